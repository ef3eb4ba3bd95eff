/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The input of the program `purge`, which makes table entries of a removed backend void. */
#ifndef SLUICE_PURGE_H
#define SLUICE_PURGE_H

#include "sluice/flow.h"

#define SLUICE_PURGE_BATCH 4096

enum sluice_purge_table {
	SLUICE_PURGE_HALF_OPEN,
	SLUICE_PURGE_FLOW,
	SLUICE_PURGE_TRANSLATION,
};

struct sluice_purge_entry {
	struct sluice_flow flow;
	__u32 backend; /* of the entry when user space read it */
};

#endif
