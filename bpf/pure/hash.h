/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hashes of flows and services: multilinear hashing (Lemire and Kaser, "Strongly
 * universal string hashing is fast", 2014): (k0 + sum of k[i] * word[i]) mod 2^64, upper half.
 * One multiplication per word. The hash is universal, not pseudo-random: a client that observes
 * which backend answers can learn to select one (docs/threat-model.md).
 * A word is 32 bits in packet order, the same in programs and in user space.
 */
#ifndef SLUICE_PURE_HASH_H
#define SLUICE_PURE_HASH_H

#include "sluice/flow.h"
#include "sluice/instance.h"

/*
 * The hash of a flow, in two steps: the sum of the client's address, then the ports, or the salt
 * that replaces them (struct sluice_service_entry).
 */
static inline __u64 flow_hash_sum_v4(const volatile __u64 *keys, __u32 source)
{
	return keys[0] + keys[1] * source;
}

static inline __u64 flow_hash_sum_v6(const volatile __u64 *keys, const __u32 *source)
{
	__u64 sum = keys[0];

	sum += keys[3] * source[0];
	sum += keys[4] * source[1];
	sum += keys[5] * source[2];
	sum += keys[6] * source[3];
	return sum;
}

static inline __u32 flow_hash(const volatile __u64 *keys, __u64 source_sum, __u32 ports)
{
	return (__u32)((source_sum + keys[2] * ports) >> 32);
}

static inline __u32 flow_hash_v4(const volatile __u64 *keys, __u32 source, __u32 ports)
{
	return flow_hash(keys, flow_hash_sum_v4(keys, source), ports);
}

static inline __u32 flow_hash_v6(const volatile __u64 *keys, const __u32 *source, __u32 ports)
{
	return flow_hash(keys, flow_hash_sum_v6(keys, source), ports);
}

/*
 * The hash of a complete 5-tuple, in 64 bits: the whole sum, mixed, because its lower bits are
 * weak.
 */
static inline __u64 flow_hash_whole(const volatile __u64 *keys, const struct sluice_flow *flow)
{
	__u32 words[sizeof(*flow) / sizeof(__u32)];
	__u64 sum = keys[10];
	unsigned int i;

	__builtin_memcpy(words, flow, sizeof(*flow));
#pragma GCC unroll 10
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += keys[i] * words[i];
	sum ^= sum >> 32;
	sum *= 0x9e3779b97f4a7c15ull;
	return sum ^ sum >> 29;
}

/* The third word of mapped IPv4 addresses, in memory order. */
#define HASH_MAPPED_V4 0xffff0000u

/*
 * The sum of an address as four words, from which address_filter_bit() and service_hash() are
 * derived. The words that all mapped IPv4 addresses share become 0, so that such an address takes
 * one multiplication.
 */
static inline __u64 address_hash_sum_v6(const volatile __u64 *keys, __u32 first, __u32 second,
					__u32 third, __u32 fourth)
{
	__u64 sum = keys[7];

	sum += keys[9] * (third ^ HASH_MAPPED_V4);
	sum += keys[10] * fourth;
	sum += keys[11] * first;
	sum += keys[1] * second;
	return sum;
}

static inline __u64 address_hash_sum_v4(const volatile __u64 *keys, __u32 address)
{
	return keys[7] + keys[10] * address;
}

/* The same for both families, from halves. */
static inline __u64 address_hash_sum(const volatile __u64 *keys, __u64 address_high,
				     __u64 address_low)
{
	if (!address_high && (__u32)address_low == HASH_MAPPED_V4)
		return address_hash_sum_v4(keys, (__u32)(address_low >> 32));
	return address_hash_sum_v6(keys, (__u32)address_high, (__u32)(address_high >> 32),
				   (__u32)address_low, (__u32)(address_low >> 32));
}

/* The bit of the address in struct sluice_address_filter. */
static inline __u32 address_filter_bit(__u64 address_sum)
{
	return (__u32)(address_sum >> 48);
}

/* Port (network order), protocol and `used`, as in struct sluice_service_entry. */
static inline __u32 service_word(__u16 port, __u8 l4_proto)
{
	const struct {
		__u16 port;
		__u8 l4_proto;
		__u8 used;
	} as_entry = {port, l4_proto, 1};
	__u32 word;

	__builtin_memcpy(&word, &as_entry, sizeof(word));
	return word;
}

/*
 * The hash of an endpoint; `listens` is its service_word(). Each half gives one of the two buckets
 * in a table of `mask` + 1 buckets, with bits of the other half folded in: for consecutive
 * addresses or ports the low bits of a multilinear hash take few values under some seeds, and the
 * high bits then take many.
 */
static inline __u32 service_hash(const volatile __u64 *keys, __u64 address_sum, __u32 listens)
{
	return (__u32)((address_sum + keys[8] * listens) >> 32);
}

static inline __u32 service_hash_first(__u32 hash, __u32 mask)
{
	return (hash ^ hash >> 16) & mask;
}

static inline __u32 service_hash_second(__u32 hash, __u32 mask)
{
	return ((hash >> 16 | hash << 16) ^ hash >> 5) & mask;
}

#endif
