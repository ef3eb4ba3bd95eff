/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which service is a packet for? Two cache lines of a table that user space lays out and swaps
 * whole (struct sluice_service_bucket); two more for a packet whose port is no service.
 */
#ifndef SLUICE_STEER_SERVICE_H
#define SLUICE_STEER_SERVICE_H

#include "pure/hash.h"
#include "sluice/service.h"
#include "steer/packet.h"

/*
 * All tables of an instance have one size, given at its creation, so that the verifier knows it
 * and the look-up of a bucket is a few instructions instead of a call.
 */
struct service_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct sluice_service_bucket));
	__uint(max_entries, SLUICE_SERVICES_DEFAULT);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct service_table);
} service_tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_address_filter);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} address_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_prefix_key);
	__type(value, struct sluice_service_entry);
	__uint(max_entries, 2 * SLUICE_SERVICES_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} service_prefixes SEC(".maps");

/* Set when the program is loaded: see struct sluice_seed and struct service_table. */
const volatile struct sluice_seed seed = {};
const volatile __u32 service_table_mask = 0;

/* What the packet path needs of an entry. */
struct service {
	__u32 number;
	__u32 flags;
};

static __always_inline bool service_in_bucket(const struct sluice_service_bucket *bucket,
					      __u64 address_hi, __u64 address_lo, __u32 listens,
					      struct service *service)
{
	for (int i = 0; i < SLUICE_BUCKET_ENTRIES; i++) {
		const struct sluice_service_entry *entry = &bucket->entries[i];
		__u32 entry_listens;

		/* Port, protocol and `used` in one comparison. */
		__builtin_memcpy(&entry_listens, &entry->port, sizeof(entry_listens));
		if (entry_listens != listens || address_low(&entry->address) != address_lo ||
		    address_high(&entry->address) != address_hi)
			continue;
		service->number = entry->service;
		service->flags = entry->flags;
		return true;
	}
	return false;
}

static __always_inline bool service_listens(void *table, const struct packet *packet, __be16 port,
					    __u8 l4_proto, struct service *service)
{
	__u64 sum = address_hash_sum(seed.words, packet->destination_high,
				     packet->destination_low);
	__u32 hash = service_hash(seed.words, sum, port, l4_proto);
	__u32 first = service_hash_first(hash, service_table_mask);
	__u32 second = service_hash_second(hash, service_table_mask);
	__u8 listens_bytes[4] = {0, 0, l4_proto, 1};
	struct sluice_service_bucket *bucket;
	__u32 listens;

	__builtin_memcpy(listens_bytes, &port, sizeof(port));
	__builtin_memcpy(&listens, listens_bytes, sizeof(listens));
	bucket = bpf_map_lookup_elem(table, &first);
	if (bucket && service_in_bucket(bucket, packet->destination_high, packet->destination_low,
					listens, service))
		return true;
	bucket = bpf_map_lookup_elem(table, &second);
	return bucket && service_in_bucket(bucket, packet->destination_high,
					   packet->destination_low, listens, service);
}

static __always_inline bool service_find(const struct packet *packet, struct service *service)
{
	__u32 zero = 0;
	void *table = bpf_map_lookup_elem(&service_tables, &zero);

	if (!table)
		return false;
	return service_listens(table, packet, packet->destination_port, packet->l4_proto,
			       service) ||
	       service_listens(table, packet, 0, 0, service);
}

#endif
