/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a service may use. One map, `policies`, keyed by service number and holding only services
 * that have a policy; read by `pace` and by `congestion` alike.
 */
#ifndef SLUICE_POLICY_H
#define SLUICE_POLICY_H

#include <linux/types.h>

struct sluice_policy {
	__u64 flow_rate_bytes_per_sec; /* of each flow, on the wire; 0: no limit */
	__u32 window_bytes; /* S0 of each flow: its sender's S = min(S0, RWND); 0: no limit */
	__u32 connections_per_sec; /* new ones, of the whole service; 0: no limit */
};

#endif
