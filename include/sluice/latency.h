/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How fast backends answer, as steer sees it in passing (bpf/steer/measure.h), of those services
 * alone for which somebody wants to know it: map `measures`, by service number, says until when
 * that is, in seconds of CLOCK_MONOTONIC_COARSE (0: never). Whoever reads the figures renews it; so
 * it ends by itself with him.
 */
#ifndef SLUICE_LATENCY_H
#define SLUICE_LATENCY_H

#include <linux/types.h>

/* Connections whose next answer is waited for: map `requests`, the least used one gives way. */
#define SLUICE_REQUESTS_MAX 16384

/*
 * Of a backend, per CPU, so far: map `latencies`, by backend number. Counts wrap, whoever reads
 * takes differences.
 */
struct sluice_latency {
	__u64 handshake_us; /* of all `handshakes` together: SYN to what shows its answer */
	__u64 response_us;  /* of all `responses`: last byte of a request to first of its answer */
	__u32 handshakes;
	__u32 responses;
	__u32 unanswered; /* SYNs that came again */
	__u32 refused;	  /* SYNs that were answered by a RST; nat and snat */
};

enum sluice_request_state {
	SLUICE_REQUEST_OPENING = 1, /* a SYN is waiting for its answer */
	SLUICE_REQUEST_ASKED = 2,   /* a request is */
	SLUICE_REQUEST_ANSWERED = 3,
};

/* Keyed by struct sluice_flow. */
struct sluice_request {
	__u64 asked_ns;	    /* CLOCK_MONOTONIC */
	__u32 sent;	    /* the sequence number that follows the request */
	__u32 acked;	    /* what the client had of the server's bytes when it asked */
	__u32 handshake_us; /* 0: was not seen */
	__u32 backend;
	__u32 state; /* enum sluice_request_state */
	__u32 reserved;
};

#endif
