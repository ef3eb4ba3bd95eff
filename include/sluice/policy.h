/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a service may use. One map, `policies`, keyed by service number and holding only services
 * that have a policy; read by `steer`, `pace` and `congestion` alike. Rates are on the wire: whole
 * frames, from the Ethernet header on.
 */
#ifndef SLUICE_POLICY_H
#define SLUICE_POLICY_H

#include <linux/types.h>

/* 0, in any field: no limit, nothing done. */
struct sluice_policy {
	__u64 flow_rate_bytes_per_sec;	  /* to its client, of each flow */
	__u64 rate_bytes_per_sec;	  /* to all clients, of all flows together, by weight */
	__u64 ingress_rate_bytes_per_sec; /* from all clients; what is beyond is dropped */
	__u64 window_rate_bytes_per_sec;  /* S0 as a rate: the window follows the flow's RTT */
	__u32 window_bytes;		  /* S0 of each flow: its sender's S = min(S0, RWND) */
	__u32 connections_per_sec;	  /* new ones, of the whole service */
	/* By choice, to test with: of each million packets to clients so many ... */
	__u32 loss_ppm; /* ... are dropped */
	__u32 mark_ppm; /* ... are marked, if they are ECN-capable */
	__u32 weight;	/* of a flow, where its client has no weight of its own; 0 stands for 1 */
	__u32 reserved; /* zero */
};

#endif
