/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Measures the latency of backends from the TCP segments that pass. Each connection has one clock:
 *
 *	clock		starts with			stops with
 *	handshake	the client's SYN		the SYN-ACK, or the client's next packet
 *	response	the last byte of a request	the first byte of the answer, or the next
 *							acknowledgement of the client
 *
 * Under direct server return replies do not pass, and only the second event of each is seen. It
 * includes the client's own round trip. So does the handshake of the same connection, which is
 * therefore subtracted. A client that delays its ACKs (RFC 1122, 4.2.3.2) adds up to 40 ms, with
 * every backend alike.
 */
#ifndef SLUICE_STEER_MEASURE_H
#define SLUICE_STEER_MEASURE_H

#include "maps/measures.h"
#include "sluice/latency.h"
#include "sluice/time.h"
#include "wire/segment.h"

/* Is latency of this service measured now? Its packets then take the slow path. */
static __always_inline bool measure_wanted(__u32 service)
{
	__u32 *until_s = bpf_map_lookup_elem(&measures, &service);

	return until_s && *until_s &&
	       (__s32)(*until_s - (__u32)(bpf_ktime_get_coarse_ns() / SLUICE_NS_PER_SEC)) > 0;
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

static __always_inline void measure_opens(const struct sluice_flow *flow,
					  const struct segment *segment, __u32 backend,
					  struct sluice_request *known,
					  struct sluice_latency *latency, __u64 now_ns)
{
	struct sluice_request request = {
		.asked_ns = now_ns,
		.sent = segment->seq,
		.backend = backend,
		.state = SLUICE_REQUEST_OPENING,
	};

	/* A retransmitted SYN does not restart the clock. */
	if (known && known->state == SLUICE_REQUEST_OPENING && known->sent == segment->seq)
		latency->unanswered++;
	else
		bpf_map_update_elem(&requests, flow, &request, BPF_ANY);
}

/* A packet from the client. `direct`: the replies do not pass here. */
static __always_inline void measure_to_backend(const struct sluice_flow *flow,
					       const struct segment *segment, __u32 backend,
					       bool direct)
{
	struct sluice_request *known = bpf_map_lookup_elem(&requests, flow);
	struct sluice_latency *latency = bpf_map_lookup_elem(&latencies, &backend);
	__u64 now_ns = segment->now_ns;
	__u32 sent = segment->seq + segment->payload_bytes;
	__u32 took_us;

	if (!latency)
		return;
	if (segment->syn) {
		if (!segment->acks && !segment->rst)
			measure_opens(flow, segment, backend, known, latency, now_ns);
		return;
	}
	if (known && segment->acks && !segment->rst) {
		if (known->state == SLUICE_REQUEST_OPENING) {
			measure_handshake_done(known, latency, now_ns);
		} else if (known->state == SLUICE_REQUEST_ASKED && direct &&
			   (__s32)(segment->ack - known->acked) > 0 && known->handshake_us) {
			took_us = measure_since_us(known, now_ns);
			measure_answered(
				known, latency,
				took_us > known->handshake_us ? took_us - known->handshake_us : 0);
		}
	}
	if (segment->rst || segment->fin) {
		if (known)
			bpf_map_delete_elem(&requests, flow);
	} else if (segment->payload_bytes && known) {
		/* A retransmission is no new request. */
		if ((__s32)(sent - known->sent) <= 0)
			return;
		known->asked_ns = now_ns;
		known->sent = sent;
		known->acked = segment->ack;
		known->state = SLUICE_REQUEST_ASKED;
	} else if (segment->payload_bytes && !direct) {
		struct sluice_request request = {
			.asked_ns = now_ns,
			.sent = sent,
			.acked = segment->ack,
			.backend = backend,
			.state = SLUICE_REQUEST_ASKED,
		};

		bpf_map_update_elem(&requests, flow, &request, BPF_ANY);
	}
}

/* A packet from the backend to the client of `flow`. */
static __always_inline void measure_to_client(const struct sluice_flow *flow,
					      const struct segment *segment)
{
	struct sluice_request *known = bpf_map_lookup_elem(&requests, flow);
	struct sluice_latency *latency;

	if (!known)
		return;
	latency = bpf_map_lookup_elem(&latencies, &known->backend);
	if (!latency)
		return;
	if (known->state == SLUICE_REQUEST_OPENING) {
		if (segment->rst) {
			latency->refused++;
			bpf_map_delete_elem(&requests, flow);
		} else if (segment->syn) {
			measure_handshake_done(known, latency, segment->now_ns);
		}
	} else if (known->state == SLUICE_REQUEST_ASKED && segment->payload_bytes) {
		measure_answered(known, latency, measure_since_us(known, segment->now_ns));
	}
}

#endif
