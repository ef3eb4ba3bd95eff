/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Access to a segment's bytes in tc, where a packet may be non-linear. */
#ifndef SLUICE_WIRE_SKB_SEGMENT_H
#define SLUICE_WIRE_SKB_SEGMENT_H

#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "wire/segment.h"

static __always_inline bool segment_load(void *ctx, __u32 offset, void *to, __u32 length)
{
	return !bpf_skb_load_bytes(ctx, offset, to, length);
}

/*
 * The helper keeps the checksum valid with offload on and off. A store that fails leaves the
 * checksum of the former value: the helper is called again with the values swapped.
 */
static __always_inline bool segment_replace(void *ctx, const struct segment *segment, __u32 offset,
					    __u16 before, __u16 after)
{
	__u32 tcp = segment->options_offset - sizeof(struct tcphdr);
	__u32 check = tcp + offsetof(struct tcphdr, check);
	__be16 from = segment_sum_of(before, offset), to = segment_sum_of(after, offset);
	__be16 value = bpf_htons(after);

	if (bpf_l4_csum_replace(ctx, check, from, to, sizeof(to)))
		return false;
	if (!bpf_skb_store_bytes(ctx, tcp + offset, &value, sizeof(value), 0))
		return true;
	bpf_l4_csum_replace(ctx, check, to, from, sizeof(from));
	return false;
}

#endif
