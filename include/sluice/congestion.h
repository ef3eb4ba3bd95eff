/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the congestion control says of each of its sockets: map `congestion_flows`, keyed by
 * struct sluice_flow (source: the peer, destination: our end, so that a server's socket and its
 * client's packets have one name). Written by the socket at most once a round and at every change
 * of state; an entry goes with its socket.
 */
#ifndef SLUICE_CONGESTION_H
#define SLUICE_CONGESTION_H

#include <linux/types.h>

/* X(NAME, name, "sentence") */
#define SLUICE_CONGESTION_STATES(X)                                                 \
	X(SLOW_START, slow_start, "the window doubles every round, up to ssthresh") \
	X(AVOIDANCE, avoidance, "the window follows the delay law")                 \
	X(RECOVERY, recovery, "fast retransmit and fast recovery")                  \
	X(TIMEOUT, timeout, "the retransmission timer fired; everything starts again")

enum sluice_congestion_state {
#define SLUICE_CONGESTION_ENUM(NAME, name, sentence) SLUICE_CONGESTION_##NAME,
	SLUICE_CONGESTION_STATES(SLUICE_CONGESTION_ENUM)
#undef SLUICE_CONGESTION_ENUM
		SLUICE_CONGESTION_STATE_COUNT
};

/* What holds the sender back just now: S = min(cwnd, S0, RWND), or nothing to send. */
#define SLUICE_CONGESTION_BOUNDS(X)                                             \
	X(CWND, cwnd, "the congestion window")                                  \
	X(RWND, rwnd, "the receiver's window")                                  \
	X(POLICY_WINDOW, policy_window, "the policy's window (S0 as a window)") \
	X(POLICY_RATE, policy_rate, "the policy's rate (S0 as a rate)")         \
	X(APPLICATION, application, "nothing to send")

enum sluice_congestion_bound {
#define SLUICE_BOUND_ENUM(NAME, name, sentence) SLUICE_BOUND_##NAME,
	SLUICE_CONGESTION_BOUNDS(SLUICE_BOUND_ENUM)
#undef SLUICE_BOUND_ENUM
};

struct sluice_congestion_flow {
	__u64 updated_ns; /* CLOCK_MONOTONIC */
	__u64 delivery_rate_bytes_per_sec;
	__u64 pacing_rate_bytes_per_sec;
	__u64 delivered_bytes;
	__u32 service; /* 0: of no service, hence without policy */
	__u32 cwnd_packets;
	__u32 ssthresh_packets;
	__u32 mss_bytes;
	__u32 srtt_us;
	__u32 min_rtt_us;
	__u32 inflight_packets;
	__u32 lost_packets;			      /* so far */
	__u32 retransmitted_packets;		      /* so far */
	__u32 state;				      /* enum sluice_congestion_state */
	__u32 bound;				      /* enum sluice_congestion_bound */
	__u32 entered[SLUICE_CONGESTION_STATE_COUNT]; /* times that each state was entered */
	__u32 reserved;
};

#endif
