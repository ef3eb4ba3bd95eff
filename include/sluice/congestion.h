/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the congestion control says of each of its sockets: map `congestion_flows`, keyed by
 * struct sluice_flow (source: the peer, destination: our end, so that a server's socket and its
 * client's packets have one name). Written by the socket at most once a round and at every change
 * of state; an entry goes with its socket. With it, what a service's flows have done together, and
 * each change of state for who wants to see them pass.
 */
#ifndef SLUICE_CONGESTION_H
#define SLUICE_CONGESTION_H

#include <linux/types.h>

#include "sluice/flow.h"

/* X(NAME, name, "sentence") */
#define SLUICE_CONGESTION_STATES(X)                                                 \
	X(SLOW_START, slow_start, "the window doubles every round, up to ssthresh") \
	X(AVOIDANCE, avoidance, "the window follows the delay law")                 \
	X(COMPETE, compete, "others fill the buffer: the window follows CUBIC's")   \
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
	__u64 policy_rate_bytes_per_sec; /* of each flow, on the wire; 0: no limit */
	__u32 policy_window_bytes;	 /* 0: no limit */
	__u32 service;			 /* 0: of no service, hence without policy */
	__u32 cwnd_packets;
	__u32 ssthresh_packets;
	__u32 mss_bytes;
	__u32 srtt_us;
	__u32 min_rtt_us;
	__u32 inflight_packets;
	__u32 lost_packets;	     /* so far */
	__u32 retransmitted_packets; /* so far */
	__u32 marked_packets; /* so far: delivered, and said to have met congestion (RFC 3168) */
	__u32 state;	      /* enum sluice_congestion_state */
	__u16 bound;	      /* enum sluice_congestion_bound */
	__u8 accurate_marks;  /* 1: the peer tells of each mark; 0: only that there were some */
	__u8 marked_share;    /* if it does: of all packets, averaged over rounds, 256ths */
	__u32 entered[SLUICE_CONGESTION_STATE_COUNT]; /* times that each state was entered */
} __attribute__((aligned(8)));

/*
 * What a service's flows have done together: map `congestion_services`, by service number, 0: flows
 * of no service. A CPU has what was counted on it, so only sums over all CPUs mean something.
 */
struct sluice_congestion_service {
	__s64 flows[SLUICE_CONGESTION_STATE_COUNT]; /* that are in each state now */
	__u64 opened;				    /* flows so far */
	__u64 delivered_bytes;
	__u64 lost_packets;
	__u64 retransmitted_packets;
	__u64 marked_packets;
	__u64 timeouts;
};

/*
 * A change of state: ring buffer `congestion_events`, written only while somebody reads. A flow
 * that opens comes from, and one that closes goes to, SLUICE_CONGESTION_STATE_COUNT.
 */
struct sluice_congestion_event {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	struct sluice_flow flow;
	__u32 from; /* enum sluice_congestion_state */
	__u32 to;
	struct sluice_congestion_flow now;
};

/*
 * Who reads the ring buffer, in the one entry of map `congestion_watch`: the reader writes until
 * when it wants to be told, and goes on writing that while it lives.
 */
struct sluice_congestion_watch {
	__u64 until_ns; /* CLOCK_MONOTONIC */
	__u64 dropped;	/* changes that found the ring buffer full, so far */
	__u32 reader;	/* process id */
	__u32 reserved;
};

#endif
