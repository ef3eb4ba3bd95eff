/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The internet checksum and its incremental update (RFC 1071, RFC 1624 equation 3). Words are in
 * packet order: a one's complement sum is independent of byte order. Shared by every hook that
 * rewrites a header, and by tests.
 */
#ifndef SLUICE_PURE_CHECKSUM_H
#define SLUICE_PURE_CHECKSUM_H

#include <asm/byteorder.h>
#include <linux/types.h>

/* Folds a sum of up to 65535 words of 16 bits. */
static inline __u16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* Folds a sum of words of 32 bits. */
static inline __u16 checksum_fold64(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return checksum_fold((__u32)sum);
}

/* Adds to a difference the replacement of the 32-bit word `from` by `to`. */
static inline __u64 checksum_difference(__u64 sum, __u32 from, __u32 to)
{
	return sum + (__u32)~from + to;
}

/* Applies a difference, which starts at 0, to a checksum field. */
static inline __sum16 checksum_apply(__sum16 check, __u64 difference)
{
	return (__sum16)(__u16)~checksum_fold64(difference + (__u16)~check);
}

static inline __sum16 checksum_replace2(__sum16 check, __u16 from, __u16 to)
{
	__u32 sum = (__u32)(__u16)~check + (__u16)~from + to;

	return (__sum16)(__u16)~checksum_fold(sum);
}

/* For a TTL that is decremented (RFC 1141, 4). */
static inline __sum16 checksum_one_less(__sum16 check)
{
	__u32 sum = (__u32)check + __constant_htons(0x0100);

	return (__sum16)(__u16)(sum + (sum >> 16));
}

static inline __sum16 checksum_replace4(__sum16 check, __u32 from, __u32 to)
{
	return checksum_apply(check, checksum_difference(0, from, to));
}

static inline __sum16 checksum_replace16(__sum16 check, const __u32 *from, const __u32 *to)
{
	__u64 sum = 0;

	sum = checksum_difference(sum, from[0], to[0]);
	sum = checksum_difference(sum, from[1], to[1]);
	sum = checksum_difference(sum, from[2], to[2]);
	sum = checksum_difference(sum, from[3], to[3]);
	return checksum_apply(check, sum);
}

/* In UDP 0 means "no checksum", so 0xffff is sent instead (RFC 768). */
static inline __sum16 checksum_udp(__sum16 check)
{
	return check ? check : (__sum16)0xffff;
}

#endif
