/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Access to a packet in tc: by copy, because the packet may lie in several pieces.
 */
#ifndef SLUICE_WIRE_SKB_CURSOR_H
#define SLUICE_WIRE_SKB_CURSOR_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct cursor {
	struct __sk_buff *skb;
	__u32 offset; /* from the start of the data */
	__u32 end;    /* of the packet, without padding */
};

static __always_inline struct cursor cursor_begin(struct __sk_buff *skb)
{
	struct cursor cursor = {.skb = skb, .end = skb->len};

	return cursor;
}

static __always_inline bool cursor_skip(struct cursor *cursor, __u32 bytes)
{
	cursor->offset += bytes;
	return cursor->offset <= cursor->end;
}

/* A copy of the next bytes, without moving on. */
static __always_inline bool cursor_peek(struct cursor *cursor, void *to, __u32 bytes)
{
	return cursor->offset + bytes <= cursor->end &&
	       !bpf_skb_load_bytes(cursor->skb, cursor->offset, to, bytes);
}

static __always_inline bool cursor_read(struct cursor *cursor, void *to, __u32 bytes)
{
	if (!cursor_peek(cursor, to, bytes))
		return false;
	cursor->offset += bytes;
	return true;
}

#endif
