/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The service of an endpoint: first one bit of a filter, which is 0 if the address is none of ours,
 * then at most two cache lines of the table of services (struct sluice_service_bucket).
 */
#ifndef SLUICE_STEER_SERVICE_LOOKUP_H
#define SLUICE_STEER_SERVICE_LOOKUP_H

#include "maps/services.h"
#include "pure/hash.h"
#include "sluice/service.h"
#include "wire/mapped_address.h"

/* Set at load time (struct sluice_seed, struct service_table). */
const volatile struct sluice_seed seed = {};
const volatile __u32 service_table_mask = 0;

/* False: no entry of the table has this address. `address_sum`: of address_hash_sum(). */
static __always_inline bool service_may_have(__u64 address_sum)
{
	__u32 bit = address_filter_bit(address_sum);

	return address_filter.words[bit / 64] >> (bit % 64) & 1;
}

static __always_inline const struct sluice_service_entry *
service_in_bucket(const struct sluice_service_bucket *bucket, __u64 address_hi, __u64 address_lo,
		  __u32 listens)
{
	for (int i = 0; i < SLUICE_BUCKET_ENTRIES; i++) {
		const struct sluice_service_entry *entry = &bucket->entries[i];

		/* Port, protocol and `used` in one comparison. */
		if (*(__u32 *)&entry->port == listens &&
		    address_low(&entry->address) == address_lo &&
		    address_high(&entry->address) == address_hi)
			return entry;
	}
	return NULL;
}

/* The entry of exactly this endpoint, or NULL. `listens`: of service_word(). */
static __always_inline const struct sluice_service_entry *
service_listens(__u64 address_hi, __u64 address_lo, __u64 address_sum, __u32 listens)
{
	__u32 zero = 0;
	void *table = bpf_map_lookup_elem(&service_tables, &zero);
	__u32 hash = service_hash(seed.words, address_sum, listens);
	__u32 bucket_index = service_hash_first(hash, service_table_mask);
	const struct sluice_service_entry *entry = NULL;
	struct sluice_service_bucket *bucket;

	if (!table)
		return NULL;
	bucket = bpf_map_lookup_elem(table, &bucket_index);
	if (bucket)
		entry = service_in_bucket(bucket, address_hi, address_lo, listens);
	if (entry)
		return entry;
	bucket_index = service_hash_second(hash, service_table_mask);
	bucket = bpf_map_lookup_elem(table, &bucket_index);
	return bucket ? service_in_bucket(bucket, address_hi, address_lo, listens) : NULL;
}

#endif
