/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Limits of a service. Map `policies`, key: service number; it has only services with a policy.
 * `steer`, `pace` and `congestion` read it. Rates count bytes on the wire: whole frames, from the
 * Ethernet header on.
 */
#ifndef SLUICE_POLICY_H
#define SLUICE_POLICY_H

#include <linux/types.h>

/* 0 in any field: no limit, no effect. */
struct sluice_policy {
	__u64 flow_rate_bytes_per_sec;	  /* of each flow, to its client */
	__u64 rate_bytes_per_sec;	  /* of all flows together, shared by weight */
	__u64 ingress_rate_bytes_per_sec; /* from all clients; packets beyond it are dropped */
	__u64 window_rate_bytes_per_sec;  /* policy limit as a rate: window = rate * RTT */
	__u32 window_bytes;		  /* policy limit: S = min(policy limit, RWND) */
	__u32 connections_per_sec;	  /* new connections of the whole service */
	/* Impairment, for tests: probabilities per packet to a client, in millionths. */
	__u32 loss_ppm; /* injected loss */
	__u32 mark_ppm; /* injected mark, if the packet is ECN-capable */
	__u32 weight;	/* of a flow whose client has no weight of its own; 0 stands for 1 */
	__u32 reserved; /* zero */
};

#endif
