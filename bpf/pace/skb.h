/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Access to a segment's bytes in tc, where a packet may be non-linear. */
#ifndef SLUICE_PACE_SKB_H
#define SLUICE_PACE_SKB_H

#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "wire/segment.h"

static __always_inline bool segment_load(void *ctx, __u32 offset, void *to, __u32 length)
{
	return !bpf_skb_load_bytes(ctx, offset, to, length);
}

/*
 * The helper keeps the checksum valid with offload on and off. Once it succeeds the header is
 * writable, so the store of the window, which lies before the checksum, cannot fail.
 */
static __always_inline bool segment_set_window(void *ctx, const struct segment *segment,
					       __u16 field)
{
	__u32 tcp = segment->options_offset - sizeof(struct tcphdr);
	__be16 before = bpf_htons(segment->window), after = bpf_htons(field);

	return !bpf_l4_csum_replace(ctx, tcp + offsetof(struct tcphdr, check), before, after,
				    sizeof(after)) &&
	       !bpf_skb_store_bytes(ctx, tcp + offsetof(struct tcphdr, window), &after,
				    sizeof(after), 0);
}

#endif
