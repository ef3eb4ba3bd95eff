/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Latency of backends, measured by steer (bpf/steer/measure.h). Map `measures`, by service number,
 * holds until when the backends of a service are measured, in seconds of CLOCK_MONOTONIC_COARSE (0:
 * they are not). A reader of the figures renews this time, so measuring ends soon after its last
 * reader.
 */
#ifndef SLUICE_LATENCY_H
#define SLUICE_LATENCY_H

#include <linux/types.h>

/* Connections with an open measurement: map `requests`. The least recently used is evicted. */
#define SLUICE_REQUESTS_MAX 16384

/*
 * Sums of a backend, per CPU: map `latencies`, by backend number. The 32-bit counts wrap: readers
 * take differences.
 */
struct sluice_latency {
	__u64 handshake_us; /* of all `handshakes`: SYN to the sign of its answer */
	__u64 response_us;  /* of all `responses`: last byte of a request to first of its answer */
	__u32 handshakes;
	__u32 responses;
	__u32 unanswered; /* retransmitted SYNs */
	__u32 refused;	  /* SYNs answered by a RST; nat and snat only */
};

enum sluice_request_state {
	SLUICE_REQUEST_OPENING = 1, /* a SYN waits for its answer */
	SLUICE_REQUEST_ASKED = 2,   /* a request waits for its answer */
	SLUICE_REQUEST_ANSWERED = 3,
};

/* Keyed by struct sluice_flow. */
struct sluice_request {
	__u64 asked_ns;	    /* CLOCK_MONOTONIC */
	__u32 sent;	    /* the sequence number after the request */
	__u32 acked;	    /* the acknowledgement number in the request */
	__u32 handshake_us; /* 0: the handshake was not seen */
	__u32 backend;
	__u32 state; /* enum sluice_request_state */
	__u32 reserved;
};

#endif
