/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The receive-window ceiling: learns a flow's scale from its SYNs and lowers the window in what its
 * client sends, so that the service sends no more than its policy has it. Arithmetic:
 * pure/ceiling.h. Neighbours: class finds the packet, flow keeps what is learned.
 * Limits: a connection whose SYN was not seen is not touched, nor one whose segments are signed. A
 * client that lies in its ACKs can lift its own ceiling; `congestion` holds the server's end.
 */
#ifndef SLUICE_PACE_WINDOW_H
#define SLUICE_PACE_WINDOW_H

#include <stddef.h>

#include "pace/flow.h"
#include "pure/ceiling.h"
#include "pure/tcp_options.h"
#include "sluice/verdict.h"

#define WINDOW_EDGE_TRIES 4
/* How far behind the SYN the first ACK that is seen may be, in bytes of what the client sent. */
#define WINDOW_FIRST_ACK_MAX 65536
/* What is assumed of a client that does not say (RFC 9293, 3.7.1). */
#define WINDOW_MSS_V4 536
#define WINDOW_MSS_V6 1220
/* NOP, NOP, timestamps, 10 bytes: the options of nearly every ACK. */
#define WINDOW_ONLY_TIMESTAMPS 0x0101080a
#define WINDOW_ONLY_TIMESTAMPS_LENGTH 12

static __always_inline __u32 window_options_length(const struct pace_packet *packet)
{
	return packet->tcp.doff * 4 - sizeof(packet->tcp);
}

static long window_option(__u32 step, struct tcp_options_walk *walk)
{
	return tcp_options_step(walk);
}

static __always_inline bool window_options(struct __sk_buff *skb, const struct pace_packet *packet,
					   struct tcp_options *options)
{
	__u32 length = window_options_length(packet), last;
	struct tcp_options_walk walk = {};

	if (!length)
		return true;
	/*
	 * 4 to 40, but Linux 6.1 forgets what comparisons said of a value that was put by on the
	 * stack. This says it by its form; the barrier keeps clang from finding it needless.
	 */
	last = length - 1;
	asm volatile("" : "+r"(last));
	length = (last & (TCP_OPTIONS_BUFFER - 1)) + 1;
	if (bpf_skb_load_bytes(skb, packet->l4_offset + sizeof(packet->tcp), walk.bytes, length))
		return false;
	walk.length = length;
	bpf_loop(TCP_OPTIONS_MAX, window_option, &walk, 0);
	*options = walk.options;
	return !options->is_malformed;
}

/* Whether a segment in mid-connection may be changed: a key may have been set since the SYN. */
static __always_inline bool window_unsigned(struct __sk_buff *skb, const struct pace_packet *packet)
{
	__u32 length = window_options_length(packet);
	struct tcp_options options = {};
	__be32 first;

	if (!length)
		return true;
	if (length == WINDOW_ONLY_TIMESTAMPS_LENGTH &&
	    !bpf_skb_load_bytes(skb, packet->l4_offset + sizeof(packet->tcp), &first,
				sizeof(first)) &&
	    first == bpf_htonl(WINDOW_ONLY_TIMESTAMPS))
		return true;
	return window_options(skb, packet, &options) && !options.is_signed;
}

/*
 * The checksum is right with offload on and off. Where its update succeeds the header is ours to
 * write, so that the window, which lies before it, cannot fail after it.
 */
static __always_inline enum sluice_verdict window_write(struct __sk_buff *skb,
							const struct pace_packet *packet,
							struct sluice_paced_flow *flow, __u16 field)
{
	__be16 window = bpf_htons(field);

	if (packet->tcp.window == window)
		return SLUICE_VERDICT_PACED;
	if (bpf_l4_csum_replace(skb, packet->l4_offset + offsetof(struct tcphdr, check),
				packet->tcp.window, window, sizeof(window)) ||
	    bpf_skb_store_bytes(skb, packet->l4_offset + offsetof(struct tcphdr, window), &window,
				sizeof(window), 0))
		return SLUICE_VERDICT_UNPACED;
	flow->lowered++;
	return SLUICE_VERDICT_WINDOW_LOWERED;
}

/* A SYN that is repeated, or seen at both hooks, changes nothing; another one begins anew. */
static __always_inline void window_learn_client(const struct pace_packet *packet,
						const struct tcp_options *options,
						struct sluice_paced_flow *flow)
{
	__u32 isn = bpf_ntohl(packet->tcp.seq);

	if ((flow->flags & SLUICE_PACED_CLIENT_SYN) && flow->client_isn == isn)
		return;
	flow->packets = 0;
	flow->bytes = 0;
	flow->lowered = 0;
	flow->right_edge = 0;
	flow->service = packet->service;
	flow->client_isn = isn;
	flow->client_mss = options->mss	  ? options->mss
			   : packet->ipv6 ? WINDOW_MSS_V6
					  : WINDOW_MSS_V4;
	flow->syn_window = bpf_ntohs(packet->tcp.window);
	flow->client_scale = options->scale;
	flow->server_scale = 0;
	flow->flags = SLUICE_PACED_CLIENT_SYN | (options->has_scale ? SLUICE_PACED_OFFERED : 0) |
		      (options->is_signed ? SLUICE_PACED_SIGNED : 0);
}

/* From the service: its SYN-ACK says whether the client's scale is in force. */
static __always_inline void window_learn_server(struct __sk_buff *skb,
						const struct pace_packet *packet,
						struct sluice_paced_flow *flow)
{
	struct tcp_options options = {};

	if (packet->flow.l4_proto != IPPROTO_TCP || !packet->tcp.syn || !packet->tcp.ack)
		return;
	/* Only an answer to the SYN that was seen; to a forged one its server answers otherwise. */
	if (!(flow->flags & SLUICE_PACED_CLIENT_SYN) || (flow->flags & SLUICE_PACED_SERVER_SYN) ||
	    bpf_ntohl(packet->tcp.ack_seq) != flow->client_isn + 1)
		return;
	if (!window_options(skb, packet, &options))
		return;
	flow->server_scale = options.scale;
	flow->flags |= SLUICE_PACED_SERVER_SYN;
	if (options.is_signed)
		flow->flags |= SLUICE_PACED_SIGNED;
	if ((flow->flags & SLUICE_PACED_OFFERED) && options.has_scale)
		flow->flags |= SLUICE_PACED_SCALED;
}

/* A SYN's own window is never scaled (RFC 7323, 2.2). */
static __always_inline enum sluice_verdict window_open(struct __sk_buff *skb,
						       const struct pace_packet *packet,
						       struct sluice_paced_flow *flow,
						       __u32 window_bytes)
{
	struct tcp_options options = {};
	__u32 allowed;
	__u16 lowered;

	if (!window_options(skb, packet, &options))
		return SLUICE_VERDICT_UNPACED;
	window_learn_client(packet, &options, flow);
	allowed = window_bytes ? ceiling_allowance(window_bytes, flow->client_mss)
			       : CEILING_FIELD_MAX;
	lowered = ceiling_field(bpf_ntohs(packet->tcp.window), 0, allowed);
	/* The server's sequence numbers are not known yet: until then the edge counts from 0. */
	if (!(flow->flags & SLUICE_PACED_OPEN) && lowered > flow->right_edge)
		flow->right_edge = lowered;
	if (!window_bytes || options.is_signed)
		return SLUICE_VERDICT_UNPACED;
	return window_write(skb, packet, flow, lowered);
}

/* The first ACK that fits the SYN opens the flow: what the SYN-ACK did not say, it may show. */
static __always_inline void window_confirm(const struct pace_packet *packet,
					   struct sluice_paced_flow *flow)
{
	__u32 beyond_syn = bpf_ntohl(packet->tcp.seq) - flow->client_isn - 1;

	if ((flow->flags & SLUICE_PACED_OPEN) || beyond_syn > WINDOW_FIRST_ACK_MAX)
		return;
	if ((flow->flags & SLUICE_PACED_OFFERED) && !(flow->flags & SLUICE_PACED_SERVER_SYN) &&
	    ceiling_shows_scale(bpf_ntohs(packet->tcp.window), flow->syn_window))
		flow->flags |= SLUICE_PACED_SCALED;
	flow->right_edge += bpf_ntohl(packet->tcp.ack_seq);
	flow->flags |= SLUICE_PACED_OPEN;
}

/* A scale that was offered and neither answered nor shown may be in force or not. */
static __always_inline bool window_scale_known(const struct sluice_paced_flow *flow)
{
	return !(flow->flags & SLUICE_PACED_OFFERED) || !flow->client_scale ||
	       (flow->flags & (SLUICE_PACED_SERVER_SYN | SLUICE_PACED_SCALED));
}

static __always_inline void window_advance(struct sluice_paced_flow *flow, __u32 edge)
{
	__u32 seen;
	int i;

	for (i = 0; i < WINDOW_EDGE_TRIES; i++) {
		seen = *(volatile __u32 *)&flow->right_edge;
		if (!ceiling_after(edge, seen) ||
		    __sync_val_compare_and_swap(&flow->right_edge, seen, edge) == seen)
			return;
	}
}

static __always_inline enum sluice_verdict window_lower(struct __sk_buff *skb,
							const struct pace_packet *packet,
							struct sluice_paced_flow *flow,
							__u32 window_bytes)
{
	const __u8 needed = SLUICE_PACED_CLIENT_SYN | SLUICE_PACED_OPEN;
	__u32 allowance_bytes =
		window_bytes ? ceiling_allowance(window_bytes, flow->client_mss) : ~0u;
	__u32 ack = bpf_ntohl(packet->tcp.ack_seq);
	__u16 field = bpf_ntohs(packet->tcp.window), lowered;
	__u8 scale;

	if (!(flow->flags & SLUICE_PACED_CLIENT_SYN) || (flow->flags & SLUICE_PACED_SIGNED))
		return SLUICE_VERDICT_UNPACED;
	window_confirm(packet, flow);
	if ((flow->flags & needed) != needed || !window_scale_known(flow))
		return SLUICE_VERDICT_UNPACED;

	/* Without a ceiling the edge is followed all the same: one may be set at any time. */
	scale = (flow->flags & SLUICE_PACED_SCALED) ? flow->client_scale & 15 : 0;
	lowered = ceiling_lower(field, scale, ack, flow->right_edge, allowance_bytes);
	if (lowered < field && !window_unsigned(skb, packet)) {
		flow->flags |= SLUICE_PACED_SIGNED;
		return SLUICE_VERDICT_UNPACED;
	}
	window_advance(flow, ceiling_edge(ack, lowered, scale));
	return window_bytes ? window_write(skb, packet, flow, lowered) : SLUICE_VERDICT_UNPACED;
}

/* What a client sends to its service. */
static __always_inline enum sluice_verdict window_apply(struct __sk_buff *skb,
							const struct pace_packet *packet,
							struct sluice_paced_flow *flow,
							__u32 window_bytes)
{
	if (packet->tcp.syn)
		return packet->tcp.ack ? SLUICE_VERDICT_UNPACED
				       : window_open(skb, packet, flow, window_bytes);
	if (!packet->tcp.ack || packet->tcp.rst)
		return SLUICE_VERDICT_UNPACED;
	return window_lower(skb, packet, flow, window_bytes);
}

#endif
