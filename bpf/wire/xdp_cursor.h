/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Access to a packet in XDP: by pointer, within the first buffer of the frame.
 */
#ifndef SLUICE_WIRE_XDP_CURSOR_H
#define SLUICE_WIRE_XDP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/* A mask: more than headers ever take. */
#define FRAME_OFFSET_MAX 0x3fff

/*
 * Begin and end of the frame. In assembly, because clang takes both for numbers of 32 bits and
 * truncates them where branches join; every verifier then takes them for numbers as well.
 */
static __always_inline void *frame_begin(struct xdp_md *ctx)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(at)
		     : "r"(ctx), "i"(offsetof(struct xdp_md, data)));
	return at;
}

static __always_inline void *frame_end(struct xdp_md *ctx)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(at)
		     : "r"(ctx), "i"(offsetof(struct xdp_md, data_end)));
	return at;
}

/* The byte at a parsed offset. Masked, so that the verifier knows a bound of the offset. */
static __always_inline void *frame_at(void *begin, __u32 offset)
{
	offset &= FRAME_OFFSET_MAX;
	asm volatile("" : "+r"(offset));
	return begin + offset;
}

struct cursor {
	void *at;
	void *end;
	__u64 frame_bytes; /* of the whole frame, further buffers included (jumbo frames) */
};

static __always_inline struct cursor cursor_begin(struct xdp_md *ctx)
{
	struct cursor cursor = {frame_begin(ctx), frame_end(ctx), bpf_xdp_get_buff_len(ctx)};

	return cursor;
}

/* The next bytes, in place. NULL: the first buffer has fewer. */
static __always_inline void *cursor_take(struct cursor *cursor, __u32 bytes)
{
	void *taken = cursor->at;

	if (taken + bytes > cursor->end)
		return NULL;
	cursor->at = taken + bytes;
	return taken;
}

static __always_inline bool cursor_skip(struct cursor *cursor, __u32 bytes)
{
	return cursor_take(cursor, bytes) != NULL;
}

/* A copy of the next bytes; `bytes` is a constant. */
static __always_inline bool cursor_read(struct cursor *cursor, void *to, __u32 bytes)
{
	const void *taken = cursor_take(cursor, bytes);

	if (!taken)
		return false;
	__builtin_memcpy(to, taken, bytes);
	return true;
}

#endif
