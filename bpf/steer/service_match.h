/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The slow path's search for the service of a packet: every kind of entry, the most exact first.
 * A kind is looked up only if the table has entries of it (enum sluice_feature).
 */
#ifndef SLUICE_STEER_SERVICE_MATCH_H
#define SLUICE_STEER_SERVICE_MATCH_H

#include "steer/service_lookup.h"
#include "steer/service_prefix.h"
#include "wire/packet.h"

static __always_inline bool match_exact(__u64 high, __u64 low, __u64 sum, __be16 port,
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

static __always_inline bool match_destination(const struct packet *packet, __u64 sum,
					      struct service *service)
{
	__u64 high = packet->destination_high, low = packet->destination_low;
	__be16 port = packet->destination_port;
	__u8 l4_proto = packet->l4_proto;
	__u32 features = address_filter.features;

	if (match_exact(high, low, sum, port, l4_proto, service))
		return true;
	if (features & SLUICE_FEATURE_ANY_PORT && port &&
	    match_exact(high, low, sum, 0, l4_proto, service))
		return true;
	if (features & SLUICE_FEATURE_PREFIXES &&
	    (prefix_find(packet, port, l4_proto, service) ||
	     (port && prefix_find(packet, 0, l4_proto, service))))
		return true;
	/* Replies of snat arrive at an address of the director, at any port. */
	return features & SLUICE_FEATURE_ANY_PORT && port &&
	       match_exact(high, low, sum, 0, 0, service);
}

/* A reply of mode nat: its source is a backend. */
static __always_inline bool match_source(const struct packet *packet, struct service *service)
{
	__u64 high = packet->source_high, low = packet->source_low;
	__u64 sum = address_hash_sum(seed.words, high, low);

	return service_may_have(sum) &&
	       (match_exact(high, low, sum, packet->source_port, packet->l4_proto, service) ||
		match_exact(high, low, sum, 0, packet->l4_proto, service)) &&
	       service->flags & SLUICE_SERVICE_NAT_REPLIES;
}

/* The service of a packet, or the entry of replies or of an address (sluice/service.h). */
static __always_inline bool match_service(const struct packet *packet, struct service *service)
{
	__u64 sum = address_hash_sum(seed.words, packet->destination_high, packet->destination_low);

	if (service_may_have(sum) && match_destination(packet, sum, service) &&
	    !(service->flags & SLUICE_SERVICE_NAT_REPLIES))
		return true;
	return address_filter.features & SLUICE_FEATURE_NAT && match_source(packet, service);
}

#endif
