/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A TCP segment's bytes in XDP (wire/segment.h), and its checksum.
 *
 * The checksum of a frame from the wire is complete and is updated. A frame from the other end of a
 * veth may be unfinished (CHECKSUM_PARTIAL): its sender left the checksum to hardware, and the
 * field holds the sum of the pseudo header, which does not cover the window. XDP cannot ask which
 * of both it is, so the field decides. A complete checksum equals the sum of the pseudo header once
 * in 65536 times; then the whole segment is summed. Limit: if XDP itself transmits an unfinished
 * packet, its checksum stays unfinished, with or without a ceiling (docs/pacing.md).
 */
#ifndef SLUICE_WIRE_XDP_SEGMENT_H
#define SLUICE_WIRE_XDP_SEGMENT_H

#include <stddef.h>

#include "pure/checksum.h"
#include "wire/packet.h"
#include "wire/segment.h"

/* False: no TCP, malformed, or a fragment, whose checksum covers other packets too. */
static __always_inline bool packet_segment(struct xdp_md *ctx, const struct packet *packet,
					   struct segment *segment)
{
	struct tcphdr *tcp = frame_at(frame_begin(ctx), packet->l4_offset);
	__u32 l4_bytes = packet->l3_offset + packet->ip_bytes - packet->l4_offset;

	if (packet->kind != PACKET_WHOLE || packet->l4_proto != IPPROTO_TCP ||
	    (void *)(tcp + 1) > frame_end(ctx) || !segment_fits(tcp, l4_bytes))
		return false;
	segment_read(segment, tcp, packet->l4_offset, l4_bytes, packet->v6, bpf_ktime_get_ns());
	return true;
}

/* The `ctx` of segment_load() and segment_replace(). */
struct frame {
	struct xdp_md *ctx;
	const struct packet *packet;
};

/* Offsets in a TCP header, whose data offset has 4 bits, in words. */
#define FRAME_TCP_OFFSETS 64

/* A power of two; and how many of them the longest packet has. */
#define FRAME_PIECE_BYTES 32
#define FRAME_PIECES_MAX (65536 / FRAME_PIECE_BYTES)

static __always_inline bool segment_load(void *at, __u32 offset, void *to, __u32 length)
{
	const struct frame *frame = at;

	return !bpf_xdp_load_bytes(frame->ctx, offset, to, length);
}

/* The state of frame_add_piece(), which sums a segment piece by piece. */
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
	/* 1 to 32, in a form that the verifier of 6.1 accepts (see pace/receive_window.h). */
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

	/* In IPv4 these words are part of the mapped form, not of the packet. */
	if (packet->v6)
		sum += (__u64)from[0] + from[1] + from[2] + to[0] + to[1] + to[2];
	return checksum_fold64(sum);
}

static __always_inline bool frame_is_complete(const struct frame *frame, __u32 l4_offset,
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

static __always_inline bool segment_replace(void *at, const struct segment *segment, __u32 offset,
					    __u16 before, __u16 after)
{
	const struct frame *frame = at;
	__u32 l4_offset = segment->options_offset - sizeof(struct tcphdr);
	__u32 l4_bytes = sizeof(struct tcphdr) + segment->options_bytes + segment->payload_bytes;
	__u16 pseudo_sum = frame_pseudo_sum(frame->packet, l4_bytes);
	struct tcphdr *tcp = frame_at(frame_begin(frame->ctx), l4_offset);
	__be16 *field;
	bool complete;

	if ((void *)(tcp + 1) > frame_end(frame->ctx))
		return false;
	complete = tcp->check != pseudo_sum;
	if (!complete) {
		complete = frame_is_complete(frame, l4_offset, l4_bytes, pseudo_sum);
		tcp = frame_at(frame_begin(frame->ctx), l4_offset);
		if ((void *)(tcp + 1) > frame_end(frame->ctx))
			return false;
	}
	offset &= FRAME_TCP_OFFSETS - 1;
	field = (void *)tcp + offset;
	if ((void *)(field + 1) > frame_end(frame->ctx))
		return false;
	if (complete)
		tcp->check = checksum_replace2(tcp->check, segment_sum_of(before, offset),
					       segment_sum_of(after, offset));
	*field = bpf_htons(after);
	return true;
}

#endif
