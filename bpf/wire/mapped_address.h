/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Addresses of both families in one type. IPv4 is mapped, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). In
 * registers an address is two halves of 64 bits, as struct sluice_address lies in memory.
 */
#ifndef SLUICE_WIRE_MAPPED_ADDRESS_H
#define SLUICE_WIRE_MAPPED_ADDRESS_H

#include <stdbool.h>

#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sluice/address.h"

/* Eight bytes of a packet, aligned or not, in memory order. */
static __always_inline __u64 load64(const void *at)
{
	return *(const __u64 *)at;
}

static __always_inline __u64 address_high(const struct sluice_address *address)
{
	return load64(address->bytes);
}

static __always_inline __u64 address_low(const struct sluice_address *address)
{
	return load64(address->bytes + 8);
}

static __always_inline struct sluice_address address_of(__u64 high, __u64 low)
{
	struct sluice_address address;

	__builtin_memcpy(address.bytes, &high, sizeof(high));
	__builtin_memcpy(address.bytes + 8, &low, sizeof(low));
	return address;
}

/* The low half of a mapped address; the high half is 0. */
static __always_inline __u64 address_mapped(__be32 v4)
{
	__u8 bytes[8] = {0, 0, 0xff, 0xff};
	__u64 half;

	__builtin_memcpy(bytes + 4, &v4, sizeof(v4));
	__builtin_memcpy(&half, bytes, sizeof(half));
	return half;
}

/* The IPv4 address in the low half of a mapped address. */
static __always_inline __be32 address_v4(__u64 low)
{
	__u8 bytes[8];
	__be32 v4;

	__builtin_memcpy(bytes, &low, sizeof(low));
	__builtin_memcpy(&v4, bytes + 4, sizeof(v4));
	return v4;
}

static __always_inline void address_map_v4(__be32 *words, __be32 v4)
{
	words[0] = words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = v4;
}

/* Is it a mapped IPv4 address? Asked of halves, and of words. */
static __always_inline bool address_halves_are_v4(__u64 high, __u64 low)
{
	return !high && (__u32)low == bpf_htonl(0xffff);
}

static __always_inline bool address_is_v4(const volatile __be32 *words)
{
	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

#endif
