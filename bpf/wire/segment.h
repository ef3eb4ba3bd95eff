/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A TCP segment as numbers, without pointers, the same for every hook. The access to its bytes is
 * the hook's: wire/skb_segment.h in tc, wire/xdp_segment.h in XDP.
 */
#ifndef SLUICE_WIRE_SEGMENT_H
#define SLUICE_WIRE_SEGMENT_H

#include <stdbool.h>

#include <linux/tcp.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>

struct segment {
	__u64 now_ns; /* CLOCK_MONOTONIC */
	__u32 seq;
	__u32 ack;
	__u32 payload_bytes;
	__u32 options_offset; /* from the start of the frame */
	__u32 options_bytes;
	__u16 window; /* the field, not scaled */
	bool ipv6;
	bool syn;
	bool acks;
	bool fin;
	bool rst;
};

/* Do header and options fit into the segment? `l4_bytes`: of header and payload. */
static __always_inline bool segment_fits(const struct tcphdr *tcp, __u32 l4_bytes)
{
	return tcp->doff * 4 >= sizeof(*tcp) && tcp->doff * 4 <= l4_bytes;
}

/* Only of a segment that fits. */
static __always_inline void segment_read(struct segment *segment, const struct tcphdr *tcp,
					 __u32 l4_offset, __u32 l4_bytes, bool ipv6, __u64 now_ns)
{
	segment->now_ns = now_ns;
	segment->seq = bpf_ntohl(tcp->seq);
	segment->ack = bpf_ntohl(tcp->ack_seq);
	segment->payload_bytes = l4_bytes - tcp->doff * 4;
	segment->options_offset = l4_offset + sizeof(*tcp);
	segment->options_bytes = tcp->doff * 4 - sizeof(*tcp);
	segment->window = bpf_ntohs(tcp->window);
	segment->ipv6 = ipv6;
	segment->syn = tcp->syn;
	segment->acks = tcp->ack;
	segment->fin = tcp->fin;
	segment->rst = tcp->rst;
}

/* The sequence number after the segment; SYN and FIN count as one each. */
static __always_inline __u32 segment_end(const struct segment *segment)
{
	return segment->seq + segment->payload_bytes + segment->syn + segment->fin;
}

/* False: the packet has fewer bytes. */
static __always_inline bool segment_load(void *ctx, __u32 offset, void *to, __u32 length);
/*
 * Replaces 16 bits of the TCP header, which may be at an odd offset, and updates the checksum. Both
 * values are in host byte order. False: nothing was changed.
 */
static __always_inline bool segment_replace(void *ctx, const struct segment *segment, __u32 offset,
					    __u16 before, __u16 after);

/* What the value at an odd offset adds to the checksum is its bytes in the other order. */
static __always_inline __be16 segment_sum_of(__u16 value, __u32 offset)
{
	return offset & 1 ? bpf_htons((__u16)(value << 8 | value >> 8)) : bpf_htons(value);
}

#endif
