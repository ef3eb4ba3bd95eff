/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The long way's look for a service: everything that the table can have for a packet, in order of
 * what is most exact. Each is asked for only where the table has any of its kind.
 */
#ifndef SLUICE_STEER_LOOKUP_H
#define SLUICE_STEER_LOOKUP_H

#include "steer/packet.h"
#include "steer/service.h"

/* The exact entry of an address of the packet. False: there is none. */
static __always_inline bool lookup_exact(__u64 high, __u64 low, __u64 sum, __be16 port,
					 __u8 l4_proto, struct service *service)
{
	const struct sluice_service_entry *entry =
		service_listens(high, low, sum, service_word(port, l4_proto));

	if (!entry)
		return false;
	service->number = entry->service;
	service->flags = entry->flags;
	service->salt = entry->salt;
	return true;
}

static __always_inline bool lookup_destination(const struct packet *packet, __u64 sum,
					       struct service *service)
{
	__u64 high = packet->destination_high, low = packet->destination_low;
	__be16 port = packet->destination_port;
	__u8 l4_proto = packet->l4_proto;
	__u32 features = address_filter.features;

	if (lookup_exact(high, low, sum, port, l4_proto, service))
		return true;
	if (features & SLUICE_FEATURE_ANY_PORT && port &&
	    lookup_exact(high, low, sum, 0, l4_proto, service))
		return true;
	if (features & SLUICE_FEATURE_PREFIXES &&
	    (prefix_find(packet, port, l4_proto, service) ||
	     (port && prefix_find(packet, 0, l4_proto, service))))
		return true;
	/* Replies of snat come to one of our own addresses, at whatever port. */
	return features & SLUICE_FEATURE_ANY_PORT && port &&
	       lookup_exact(high, low, sum, 0, 0, service);
}

/* Who replies for a nat service is one of its backends. */
static __always_inline bool lookup_source(const struct packet *packet, struct service *service)
{
	__u64 high = packet->source_high, low = packet->source_low;
	__u64 sum = address_hash_sum(seed.words, high, low);

	return service_may_have(sum) &&
	       (lookup_exact(high, low, sum, packet->source_port, packet->l4_proto, service) ||
		lookup_exact(high, low, sum, 0, packet->l4_proto, service)) &&
	       service->flags & SLUICE_SERVICE_NAT_REPLIES;
}

/* The service of a packet, or the entry that says what else it is. */
static __always_inline bool lookup_service(const struct packet *packet, struct service *service)
{
	__u64 sum = address_hash_sum(seed.words, packet->destination_high, packet->destination_low);

	if (service_may_have(sum) && lookup_destination(packet, sum, service) &&
	    !(service->flags & SLUICE_SERVICE_NAT_REPLIES))
		return true;
	return address_filter.features & SLUICE_FEATURE_NAT && lookup_source(packet, service);
}

#endif
