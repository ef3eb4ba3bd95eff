/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Namespaces, routes and listeners for which `sluice congestion load` chose the congestion control,
 * and their previous one, so that `unload` can restore it. Map `congestion_choices`, written by
 * user space only.
 */
#ifndef SLUICE_CHOICE_H
#define SLUICE_CHOICE_H

#include <linux/types.h>

#include "sluice/address.h"

#define SLUICE_CHOICES_MAX 1024
#define SLUICE_CONGESTION_NAME_LENGTH 16 /* bytes, with the NUL (TCP_CA_NAME_MAX) */

enum sluice_choice_kind {
	SLUICE_CHOICE_NAMESPACE, /* its default; address and prefix are zero */
	SLUICE_CHOICE_ROUTE,	 /* of the main table */
	SLUICE_CHOICE_LISTENER,	 /* sockets that listen on address and port */
};

struct sluice_choice {
	__u64 netns; /* inode of the network namespace */
	struct sluice_address address;
	__u32 kind;	   /* enum sluice_choice_kind */
	__u32 prefix_bits; /* of the 16 bytes: IPv4 counts from 96 */
	__u32 port;	   /* host order; of a listener */
	__u32 reserved;
};

struct sluice_chosen {
	char before[SLUICE_CONGESTION_NAME_LENGTH]; /* empty: a route without one */
};

/* Output of the iterator `listeners`: a socket that it changed. */
struct sluice_listener {
	struct sluice_address address;
	__u32 port; /* host order */
	char before[SLUICE_CONGESTION_NAME_LENGTH];
};

#endif
