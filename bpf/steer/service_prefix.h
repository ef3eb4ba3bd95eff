/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services whose address is a prefix. Used by `decap`, and by the slow path of an instance that has
 * such a service.
 */
#ifndef SLUICE_STEER_SERVICE_PREFIX_H
#define SLUICE_STEER_SERVICE_PREFIX_H

#include "maps/service_prefixes.h"
#include "sluice/service.h"
#include "wire/packet.h"

/* What the packet path needs of an entry. */
struct service {
	__u32 number;
	__u32 flags;
	__u32 salt;
};

/* The service of the longest prefix of this port and protocol that contains the destination. */
static __always_inline bool prefix_find(const struct packet *packet, __be16 port, __u8 l4_proto,
					struct service *service)
{
	struct sluice_prefix_key key = {
		.bits = SLUICE_PREFIX_KEY_BITS + 8 * sizeof(key.address),
		.port = port,
		.l4_proto = l4_proto,
	};
	struct sluice_service_entry *entry;

	__builtin_memcpy(key.address, &packet->destination_high, 8);
	__builtin_memcpy(key.address + 8, &packet->destination_low, 8);
	entry = bpf_map_lookup_elem(&service_prefixes, &key);
	if (!entry)
		return false;
	service->number = entry->service;
	service->flags = entry->flags;
	service->salt = entry->salt;
	return true;
}

#endif
