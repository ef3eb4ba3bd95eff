/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What `pace` keeps of a flow whose service has a policy: map `paced_flows`, keyed by struct
 * sluice_flow (source: the client, destination: the service as seen on the device, which behind
 * a translation is the backend). An entry begins with the client's SYN or with the first packet to
 * the client, and goes with the last ACK, with the service's RST, or when it is the least used.
 */
#ifndef SLUICE_PACE_H
#define SLUICE_PACE_H

#include <linux/types.h>

enum sluice_paced_flag {
	SLUICE_PACED_CLIENT_SYN =
		1, /* client's SYN seen: client_isn, client_scale and so on hold */
	SLUICE_PACED_SERVER_SYN = 2, /* server's SYN-ACK seen: server_scale holds */
	SLUICE_PACED_SCALED =
		4, /* both ends scale: both SYNs said so, or the first ACK showed it */
	SLUICE_PACED_SIGNED = 8,   /* TCP-MD5 or TCP-AO: its segments are never changed */
	SLUICE_PACED_OFFERED = 16, /* the client's SYN carried a scale */
	SLUICE_PACED_OPEN = 32,	   /* an ACK that fits the SYN was seen: right_edge holds */
	SLUICE_PACED_CLIENT_FIN = 64,
	SLUICE_PACED_SERVER_FIN = 128,
};

struct sluice_paced_flow {
	__u64 packets; /* to the client, before segmentation */
	__u64 bytes;   /* to the client, on the wire */
	/* The highest sequence number that the server has been allowed; before OPEN, counted from
	 * 0. */
	__u32 right_edge;
	__u32 lowered; /* packets whose window was lowered */
	__u32 service;
	__u32 client_isn;
	__u16 client_mss;  /* bytes, as the client's SYN asks for */
	__u16 syn_window;  /* bytes, as the client's SYN had it */
	__u8 client_scale; /* RFC 7323: 0 to 14 */
	__u8 server_scale;
	__u8 flags; /* enum sluice_paced_flag */
	__u8 reserved;
};

#endif
