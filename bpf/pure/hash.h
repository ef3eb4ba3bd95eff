/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The keyed hashes of flows and services: multilinear hashing (Lemire and Kaser, "Strongly
 * universal string hashing is fast", 2014): (k0 + sum of k[i] * word[i]) mod 2^64, upper half.
 * One multiplication a word. It is universal, not pseudo-random: who can watch which backend
 * answers may learn to aim at one (docs/threat-model.md).
 * Words are 32 bits as they lie in the packet, so that both sides read them the same way.
 */
#ifndef SLUICE_PURE_HASH_H
#define SLUICE_PURE_HASH_H

#include "sluice/instance.h"

/* Of an IPv4 flow's client: its address, and both ports as the packet has them. */
static inline __u32 flow_hash_v4(const volatile __u64 *keys, __u32 source, __u32 ports)
{
	return (keys[0] + keys[1] * source + keys[2] * ports) >> 32;
}

static inline __u32 flow_hash_v6(const volatile __u64 *keys, const __u32 *source, __u32 ports)
{
	__u64 sum = keys[0] + keys[2] * ports;

	sum += keys[3] * source[0] + keys[4] * source[1];
	sum += keys[5] * source[2] + keys[6] * source[3];
	return sum >> 32;
}

/*
 * Of an address, its 16 bytes as two words of 64 bits; both halves of each enter. Not yet a hash:
 * the next two are made of it.
 */
static inline __u64 address_hash_sum(const volatile __u64 *keys, __u64 address_high,
				     __u64 address_low)
{
	__u64 sum = keys[7];

	sum += keys[9] * (__u32)address_low + keys[10] * (address_low >> 32);
	/* IPv4 has nothing here but zeroes, and pays one comparison for it. */
	if (address_high)
		sum += keys[11] * (__u32)address_high + keys[1] * (address_high >> 32);
	return sum;
}

/* The address's bit in struct sluice_address_filter. */
static inline __u32 address_filter_bit(__u64 address_sum)
{
	return address_sum >> 48;
}

/*
 * Of an endpoint. Each half of it is one of the two buckets of a table with `mask` + 1 buckets, with
 * some of the other folded in: of addresses or ports that count up, the low bits of a multilinear
 * hash take few values under some seeds, but then the high ones take many.
 */
static inline __u32 service_hash(const volatile __u64 *keys, __u64 address_sum, __u16 port,
				 __u8 l4_proto)
{
	return (address_sum + keys[8] * (((__u32)port << 8) | l4_proto)) >> 32;
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
