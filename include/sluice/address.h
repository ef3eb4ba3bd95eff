/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * An address of either family in one type, and an endpoint: address, port, protocol. All of user
 * space uses this type only, and so do the programs once a packet is parsed.
 */
#ifndef SLUICE_ADDRESS_H
#define SLUICE_ADDRESS_H

#include <linux/types.h>

/* 16 bytes in network order; IPv4 is mapped, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
struct sluice_address {
	__u8 bytes[16];
} __attribute__((aligned(8)));

/* Port and l4_proto 0 stand for "any". 24 bytes, no holes. */
struct sluice_endpoint {
	struct sluice_address address;
	__be16 port;
	__u8 l4_proto;
	__u8 reserved[5]; /* zero: endpoints are map keys */
};

#endif
