/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the options of a TCP segment (pure/tcp_options.h). */
#ifndef SLUICE_WIRE_SEGMENT_OPTIONS_H
#define SLUICE_WIRE_SEGMENT_OPTIONS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "pure/tcp_options.h"
#include "wire/segment.h"

static long segment_option(__u32 step, struct tcp_options_walk *walk)
{
	return tcp_options_step(walk);
}

/* False: the segment cannot be read, or its options are malformed. */
static __always_inline bool segment_options(void *ctx, const struct segment *segment,
					    struct tcp_options *options)
{
	__u32 length = segment->options_bytes, last;
	struct tcp_options_walk walk = {};

	if (!length)
		return true;
	/*
	 * 4 to 40. Linux 6.1 loses the bounds from comparisons once the value is spilled to the
	 * stack. The mask states the bounds again; the barrier keeps clang from removing it as
	 * redundant.
	 */
	last = length - 1;
	asm volatile("" : "+r"(last));
	length = (last & (TCP_OPTIONS_BUFFER - 1)) + 1;
	if (!segment_load(ctx, segment->options_offset, walk.bytes, length))
		return false;
	walk.length = length;
	bpf_loop(TCP_OPTIONS_MAX, segment_option, &walk, 0);
	*options = walk.options;
	return !options->is_malformed;
}

#endif
