/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A segment's bytes in XDP, and its checksum there. A frame from the wire has a whole one, which is
 * brought up to date. One from the other end of a veth may have none yet: its sender left it to
 * hardware that is not there (CHECKSUM_PARTIAL), and the field holds the sum of the pseudo header,
 * which the window is no part of. XDP is not told which it is, so the field is asked: the sum of
 * the pseudo header stands in a whole checksum's place once in 65536 times, and then the segment is
 * added up.
 * Limit: what XDP itself sends on of such an unfinished packet nobody finishes, with a ceiling or
 * without (docs/pacing.md).
 */
#ifndef SLUICE_STEER_FRAME_H
#define SLUICE_STEER_FRAME_H

#include <stddef.h>

#include "pace/segment.h"
#include "pure/checksum.h"
#include "steer/packet.h"

/* What segment_load() and segment_set_window() are given here. */
struct frame {
	struct xdp_md *ctx;
	const struct packet *packet;
};

/* A power of two; the longest packet has so many of them. */
#define FRAME_PIECE_BYTES 32
#define FRAME_PIECES_MAX (65536 / FRAME_PIECE_BYTES)

static __always_inline bool segment_load(void *at, __u32 offset, void *to, __u32 length)
{
	const struct frame *frame = at;

	return !bpf_xdp_load_bytes(frame->ctx, offset, to, length);
}

/* Adding up a segment, piece by piece. */
struct frame_sum {
	struct xdp_md *ctx;
	__u32 offset;
	__u32 end;
	__s64 sum;
};

static long frame_add_piece(__u32 index, struct frame_sum *adding)
{
	__u32 piece[FRAME_PIECE_BYTES / 4] = {};
	__u32 left = adding->end - adding->offset, last;

	if (adding->offset >= adding->end)
		return 1;
	if (left > FRAME_PIECE_BYTES)
		left = FRAME_PIECE_BYTES;
	/* 1 to 32, in a form that the verifier of 6.1 believes (pace/window.h). */
	last = left - 1;
	asm volatile("" : "+r"(last));
	left = (last & (FRAME_PIECE_BYTES - 1)) + 1;
	if (bpf_xdp_load_bytes(adding->ctx, adding->offset, piece, left))
		return 1;
	adding->sum = bpf_csum_diff(NULL, 0, piece, sizeof(piece), (__u32)adding->sum);
	adding->offset += left;
	return 0;
}

/* The sum of the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1), not complemented. */
static __always_inline __u16 frame_pseudo_sum(const struct packet *packet, __u32 l4_bytes)
{
	const struct sluice_address source = address_of(packet->source_high, packet->source_low);
	const struct sluice_address destination =
		address_of(packet->destination_high, packet->destination_low);
	const __u32 *from = (const __u32 *)source.bytes;
	const __u32 *to = (const __u32 *)destination.bytes;
	__u64 sum = (__u64)from[3] + to[3] + bpf_htonl(IPPROTO_TCP) + bpf_htonl(l4_bytes);

	/* In IPv4 the rest is of the mapped form, and no part of the packet. */
	if (packet->v6)
		sum += (__u64)from[0] + from[1] + from[2] + to[0] + to[1] + to[2];
	return checksum_fold64(sum);
}

static __always_inline bool frame_is_whole(const struct frame *frame, __u32 l4_offset,
					   __u32 l4_bytes, __u16 pseudo_sum)
{
	struct frame_sum adding = {
		.ctx = frame->ctx,
		.offset = l4_offset,
		.end = l4_offset + l4_bytes,
		.sum = pseudo_sum,
	};

	bpf_loop(FRAME_PIECES_MAX, frame_add_piece, &adding, 0);
	return checksum_fold64((__u32)adding.sum) == 0xffff;
}

static __always_inline bool segment_set_window(void *at, const struct segment *segment, __u16 field)
{
	const struct frame *frame = at;
	__u32 l4_offset = segment->options_offset - sizeof(struct tcphdr);
	__u32 l4_bytes = sizeof(struct tcphdr) + segment->options_bytes + segment->payload_bytes;
	__u16 pseudo_sum = frame_pseudo_sum(frame->packet, l4_bytes);
	struct tcphdr *tcp = packet_at(frame_begin(frame->ctx), l4_offset);
	__be16 before = bpf_htons(segment->window), after = bpf_htons(field);
	bool whole;

	if ((void *)(tcp + 1) > frame_end(frame->ctx))
		return false;
	whole = tcp->check != pseudo_sum;
	if (!whole) {
		whole = frame_is_whole(frame, l4_offset, l4_bytes, pseudo_sum);
		tcp = packet_at(frame_begin(frame->ctx), l4_offset);
		if ((void *)(tcp + 1) > frame_end(frame->ctx))
			return false;
	}
	if (whole)
		tcp->check = checksum_replace2(tcp->check, before, after);
	tcp->window = after;
	return true;
}

#endif
