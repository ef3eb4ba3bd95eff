/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket: our state of it, the kernel's fields, the limits of its service's policy, and the three
 * fields that we write (window, threshold, rate).
 */
#ifndef SLUICE_CONGESTION_SOCKET_H
#define SLUICE_CONGESTION_SOCKET_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wire/mapped_address.h"
#include "kernel_types.h"
#include "maps/policies.h"
#include "pure/pacing.h"
#include "pure/congestion_window.h"

#define POLICY_LIFE_MS 50 /* a changed policy takes effect within this and one ACK */

/*
 * Our state of a socket. It has the addresses, because after a disconnect the socket has lost them
 * when it is released.
 */
struct congestion_socket {
	struct window window;
	__u64 policy_rate_bytes_per_sec;
	__u64 policy_window_rate_bytes_per_sec;
	__u32 policy_window_bytes;
	__u32 policy_read_ms;
	__u32 service;
	__u32 round_ends_at; /* `delivered` of the packet that starts the next round */
	__u32 round_began_ms;
	__u32 acknowledged; /* snd_una of the last acknowledgement */
	__u32 marked;	    /* delivered_ce of it */
	__be32 peer[4];
	__be32 local[4];
	__be16 peer_port;
	__be16 local_port;
};

/* Lives and ends with the socket. icsk_ca_priv, with its 104 bytes, is too small. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct congestion_socket);
} congestion_sockets SEC(".maps");

static __always_inline struct sock *socket_of(struct tcp_sock *tp)
{
	return &tp->inet_conn.icsk_inet.sk;
}

/* NULL: no memory when the socket was opened. It then keeps its initial window. */
static __always_inline struct congestion_socket *socket_state(struct tcp_sock *tp)
{
	return bpf_sk_storage_get(&congestion_sockets, tp, NULL, 0);
}

static __always_inline struct congestion_socket *socket_state_fresh(struct tcp_sock *tp)
{
	return bpf_sk_storage_get(&congestion_sockets, tp, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline void socket_name(struct tcp_sock *tp, struct congestion_socket *state)
{
	struct sock_common *common = &socket_of(tp)->__sk_common;

	if (common->skc_family == KERNEL_AF_INET6 && bpf_core_field_exists(common->skc_v6_daddr)) {
		/* A v4-mapped socket has mapped addresses here. */
		state->peer[0] = common->skc_v6_daddr.in6_u.u6_addr32[0];
		state->peer[1] = common->skc_v6_daddr.in6_u.u6_addr32[1];
		state->peer[2] = common->skc_v6_daddr.in6_u.u6_addr32[2];
		state->peer[3] = common->skc_v6_daddr.in6_u.u6_addr32[3];
		state->local[0] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[0];
		state->local[1] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[1];
		state->local[2] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[2];
		state->local[3] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[3];
	} else {
		address_map_v4(state->peer, common->skc_daddr);
		address_map_v4(state->local, common->skc_rcv_saddr);
	}
	state->peer_port = common->skc_dport;
	state->local_port = bpf_htons(common->skc_num);
}

static __always_inline __u32 socket_header_bytes(struct tcp_sock *tp,
						 struct congestion_socket *state)
{
	__u32 ip_bytes = address_is_v4(state->local) ? 20 : 40;

	return tp->tcp_header_len + tp->inet_conn.icsk_ext_hdr_len + ip_bytes;
}

static __always_inline __u32 socket_inflight(struct tcp_sock *tp)
{
	return tp->packets_out - tp->sacked_out - tp->lost_out + tp->retrans_out;
}

/* Packets in flight that the policy allows: its window, or what the path holds at its rate. */
static __always_inline __u32 socket_policy_window(struct tcp_sock *tp,
						  struct congestion_socket *state)
{
	__u64 rate = state->policy_window_rate_bytes_per_sec;

	if (rate)
		return pacing_window(
			pacing_payload_rate(rate, tp->mss_cache, socket_header_bytes(tp, state)),
			tp->mss_cache, state->window.min_rtt_us);
	return window_of_bytes(state->policy_window_bytes, tp->mss_cache);
}

static __always_inline __u32 socket_ceiling(struct tcp_sock *tp, struct congestion_socket *state)
{
	return integer_lesser(socket_policy_window(tp, state), tp->snd_cwnd_clamp);
}

/* As tcp_is_cwnd_limited(): in slow start a half-used window counts as full. */
static __always_inline bool socket_fills_window(struct tcp_sock *tp)
{
	if (BPF_CORE_READ_BITFIELD(tp, is_cwnd_limited))
		return true;
	return tp->snd_cwnd < tp->snd_ssthresh && tp->snd_cwnd < 2 * tp->max_packets_out;
}

static __always_inline __u64 socket_law_rate(struct tcp_sock *tp, struct congestion_socket *state)
{
	__u32 packets = integer_greater(tp->snd_cwnd, tp->packets_out);

	return pacing_rate(packets, tp->mss_cache, tp->srtt_us >> 3,
			   window_pacing_gain(&state->window));
}

/* Payload bytes a second that the policy allows; 0: no limit. */
static __always_inline __u64 socket_policy_rate(struct tcp_sock *tp,
						struct congestion_socket *state)
{
	if (!state->policy_rate_bytes_per_sec)
		return 0;
	return pacing_payload_rate(state->policy_rate_bytes_per_sec, tp->mss_cache,
				   socket_header_bytes(tp, state));
}

/*
 * Why the kernel requests a smaller window. If all that is unacknowledged is lost, it is a
 * time-out: the kernel marks the packets first. It does not report marks, but has already counted
 * those of this acknowledgement; one that delivers nothing repeats the echo before it.
 */
static __always_inline enum window_cause socket_cause(struct tcp_sock *tp,
						      const struct congestion_socket *state)
{
	if (tp->lost_out && tp->lost_out + tp->sacked_out >= tp->packets_out)
		return WINDOW_CERTAIN;
	if (tp->delivered_ce != state->marked || state->window.marks.echoing)
		return WINDOW_MARKED;
	return tp->lost_out ? WINDOW_LOST : WINDOW_CERTAIN;
}

static __always_inline bool socket_has_unsent(struct tcp_sock *tp)
{
	return tp->write_seq != tp->snd_nxt;
}

static __always_inline bool policy_loosened(__u64 before, __u64 now)
{
	return before && (!now || now > before);
}

/* Reads the service of the local end, and its policy. */
static __always_inline void policy_read(struct congestion_socket *state, __u32 now_ms)
{
	struct sluice_endpoint endpoint = {.port = state->local_port,
					   .l4_proto = KERNEL_IPPROTO_TCP};
	__be32 *address = (__be32 *)endpoint.address.bytes;
	struct sluice_policy *policy;
	__u32 window_bytes = 0, weight = 0;
	__u64 rate = 0, window_rate = 0;
	__u32 service;

	address[0] = state->local[0];
	address[1] = state->local[1];
	address[2] = state->local[2];
	address[3] = state->local[3];
	service = endpoint_service(&endpoint);
	if (!service) {
		endpoint.port = 0;
		endpoint.l4_proto = 0;
		service = endpoint_service(&endpoint);
	}
	policy = service ? policy_find(service) : NULL;
	if (policy) {
		rate = policy->flow_rate_bytes_per_sec;
		window_rate = policy->window_rate_bytes_per_sec;
		window_bytes = policy->window_bytes;
		weight = policy->weight;
	}
	if (policy_loosened(state->policy_rate_bytes_per_sec, rate) ||
	    policy_loosened(state->policy_window_rate_bytes_per_sec, window_rate) ||
	    policy_loosened(state->policy_window_bytes, window_bytes))
		window_reopen(&state->window);
	state->service = service;
	state->policy_rate_bytes_per_sec = rate;
	state->policy_window_rate_bytes_per_sec = window_rate;
	state->policy_window_bytes = window_bytes;
	state->window.weight = weight ? weight : 1;
	state->policy_read_ms = now_ms;
}

static __always_inline void socket_set_rate(struct tcp_sock *tp, struct congestion_socket *state)
{
	__u64 policy_rate = socket_policy_rate(tp, state);
	__u64 rate = socket_law_rate(tp, state);

	if (policy_rate && rate > policy_rate)
		rate = policy_rate;
	if (rate > socket_of(tp)->sk_max_pacing_rate)
		rate = socket_of(tp)->sk_max_pacing_rate;
	/* 0 would turn pacing off. */
	socket_of(tp)->sk_pacing_rate = rate ? rate : 1;
}

static __always_inline void socket_set_window(struct tcp_sock *tp, struct congestion_socket *state)
{
	tp->snd_cwnd = integer_lesser(state->window.cwnd_packets, socket_ceiling(tp, state));
	tp->snd_ssthresh = state->window.ssthresh_packets;
}

#endif
