/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How fast backends answer, measured in TCP's own words while packets pass. One clock runs for each
 * connection, from what the client asks to what shows that it has an answer:
 *
 *	SYN	the handshake: to the SYN-ACK, or to the client's next packet
 *	data	the response: from the last byte of the request to the first of the answer, or to
 *the client's first packet that acknowledges more than it had when it asked
 *
 * The second of each is all that there is under direct server return, where replies do not pass: it
 * has the client's own round trip in it, which the handshake of the same connection had too, and
 * which is therefore taken off. A client that delays its ACKs (RFC 1122, 4.2.3.2) adds up to 40 ms,
 * whichever backend it has.
 */
#ifndef SLUICE_STEER_MEASURE_H
#define SLUICE_STEER_MEASURE_H

#include "maps/measures.h"
#include "sluice/latency.h"
#include "sluice/time.h"
#include "steer/packet.h"

/* Does somebody want to know it of this service, whose packets take the long way then? */
static __always_inline bool measure_wanted(__u32 service)
{
	__u32 *until_s = bpf_map_lookup_elem(&measures, &service);

	return until_s && *until_s &&
	       (__s32)(*until_s - (__u32)(bpf_ktime_get_coarse_ns() / SLUICE_NS_PER_SEC)) > 0;
}

/* What a TCP packet says. */
struct measure_segment {
	__u32 sequence;
	__u32 acked;
	__u32 payload; /* bytes */
	bool syn;
	bool ack;
	bool resets;
	bool finishes;
};

static __always_inline bool measure_read(struct xdp_md *ctx, const struct packet *packet,
					 struct measure_segment *segment)
{
	void *data = frame_begin(ctx), *end = frame_end(ctx);
	struct tcphdr *tcp = packet_at(data, packet->l4_offset);
	__u32 l4_bytes = packet->ip_bytes + packet->l3_offset - packet->l4_offset;
	__u32 header_bytes;

	if (packet->l4_proto != IPPROTO_TCP || packet->kind != PACKET_WHOLE ||
	    (void *)(tcp + 1) > end)
		return false;
	header_bytes = tcp->doff * 4;
	segment->sequence = bpf_ntohl(tcp->seq);
	segment->acked = bpf_ntohl(tcp->ack_seq);
	segment->payload = l4_bytes > header_bytes ? l4_bytes - header_bytes : 0;
	segment->syn = tcp->syn;
	segment->ack = tcp->ack;
	segment->resets = tcp->rst;
	segment->finishes = tcp->fin;
	return true;
}

static __always_inline __u32 measure_since_us(const struct sluice_request *request, __u64 now_ns)
{
	return (now_ns - request->asked_ns) / SLUICE_NS_PER_US;
}

static __always_inline void measure_handshake_done(struct sluice_request *request,
						   struct sluice_latency *latency, __u64 now_ns)
{
	__u32 took_us = measure_since_us(request, now_ns);

	request->handshake_us = took_us ?: 1;
	request->state = SLUICE_REQUEST_ANSWERED;
	latency->handshakes++;
	latency->handshake_us += took_us;
}

static __always_inline void measure_answered(struct sluice_request *request,
					     struct sluice_latency *latency, __u32 took_us)
{
	request->state = SLUICE_REQUEST_ANSWERED;
	latency->responses++;
	latency->response_us += took_us;
}

/* The client's packet, on its way to `backend`. */
static __always_inline void measure_opens(const struct sluice_flow *flow,
					  const struct measure_segment *segment, __u32 backend,
					  struct sluice_request *known,
					  struct sluice_latency *latency, __u64 now_ns)
{
	struct sluice_request request = {
		.asked_ns = now_ns,
		.sent = segment->sequence,
		.backend = backend,
		.state = SLUICE_REQUEST_OPENING,
	};

	/* Sent again, its clock goes on. */
	if (known && known->state == SLUICE_REQUEST_OPENING && known->sent == segment->sequence)
		latency->unanswered++;
	else
		bpf_map_update_elem(&requests, flow, &request, BPF_ANY);
}

/* `direct`: replies do not come this way. */
static __always_inline void measure_to_backend(const struct sluice_flow *flow,
					       const struct measure_segment *segment, __u32 backend,
					       bool direct)
{
	struct sluice_request *known = bpf_map_lookup_elem(&requests, flow);
	struct sluice_latency *latency = bpf_map_lookup_elem(&latencies, &backend);
	__u64 now_ns = bpf_ktime_get_ns();
	__u32 sent = segment->sequence + segment->payload;
	__u32 took_us;

	if (!latency)
		return;
	if (segment->syn) {
		if (!segment->ack && !segment->resets)
			measure_opens(flow, segment, backend, known, latency, now_ns);
		return;
	}
	if (known && segment->ack && !segment->resets) {
		if (known->state == SLUICE_REQUEST_OPENING) {
			measure_handshake_done(known, latency, now_ns);
		} else if (known->state == SLUICE_REQUEST_ASKED && direct &&
			   (__s32)(segment->acked - known->acked) > 0 && known->handshake_us) {
			took_us = measure_since_us(known, now_ns);
			measure_answered(
				known, latency,
				took_us > known->handshake_us ? took_us - known->handshake_us : 0);
		}
	}
	if (segment->resets || segment->finishes) {
		if (known)
			bpf_map_delete_elem(&requests, flow);
	} else if (segment->payload && known) {
		/* What is sent again is no new request. */
		if ((__s32)(sent - known->sent) <= 0)
			return;
		known->asked_ns = now_ns;
		known->sent = sent;
		known->acked = segment->acked;
		known->state = SLUICE_REQUEST_ASKED;
	} else if (segment->payload && !direct) {
		struct sluice_request request = {
			.asked_ns = now_ns,
			.sent = sent,
			.acked = segment->acked,
			.backend = backend,
			.state = SLUICE_REQUEST_ASKED,
		};

		bpf_map_update_elem(&requests, flow, &request, BPF_ANY);
	}
}

/* Its backend's, on its way back to the client of `flow`. */
static __always_inline void measure_to_client(const struct sluice_flow *flow,
					      const struct measure_segment *segment)
{
	struct sluice_request *known = bpf_map_lookup_elem(&requests, flow);
	struct sluice_latency *latency;
	__u64 now_ns;

	if (!known)
		return;
	latency = bpf_map_lookup_elem(&latencies, &known->backend);
	if (!latency)
		return;
	now_ns = bpf_ktime_get_ns();
	if (known->state == SLUICE_REQUEST_OPENING) {
		if (segment->resets) {
			latency->refused++;
			bpf_map_delete_elem(&requests, flow);
		} else if (segment->syn) {
			measure_handshake_done(known, latency, now_ns);
		}
	} else if (known->state == SLUICE_REQUEST_ASKED && segment->payload) {
		measure_answered(known, latency, measure_since_us(known, now_ns));
	}
}

#endif
