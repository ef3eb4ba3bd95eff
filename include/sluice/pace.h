/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * State of a flow whose service has a policy: map `paced_flows`, key: struct sluice_flow (source:
 * the client; destination: the service as seen on the device, behind a translation the backend).
 * `pace` in tc and `steer` in XDP write it. An entry begins with the client's SYN or, at tc egress,
 * with the first packet to the client. It ends with the last ACK, with the service's RST, or by
 * eviction of the least recently used.
 */
#ifndef SLUICE_PACE_H
#define SLUICE_PACE_H

#include <linux/types.h>

enum sluice_paced_flag {
	SLUICE_PACED_CLIENT_SYN =
		1, /* client's SYN seen: client_isn, client_scale and so on are valid */
	SLUICE_PACED_SERVER_SYN = 2, /* server's SYN-ACK seen: server_scale is valid */
	SLUICE_PACED_SCALED = 4,     /* both ends scale: shown by both SYNs, or by the first ACK */
	SLUICE_PACED_SIGNED = 8,     /* TCP-MD5 or TCP-AO: its segments are never changed */
	SLUICE_PACED_OFFERED = 16,   /* the client's SYN carried a scale */
	SLUICE_PACED_OPEN = 32,	     /* an ACK that fits the SYN was seen: right_edge is valid */
	SLUICE_PACED_CLIENT_FIN = 64,
	SLUICE_PACED_SERVER_FIN = 128,
	SLUICE_PACED_CLIENT_RST = 256,	 /* seen, but may be forged: the flow goes on */
	SLUICE_PACED_CLIENT_DATA = 512,	 /* client_edge is valid */
	SLUICE_PACED_SERVER_DATA = 1024, /* server_edge is valid */
};

/*
 * Round trip of a flow from this host to the client, to the server, and back (pure/roundtrip.h).
 * Microseconds; 0: unknown.
 */
struct sluice_round_trip {
	__u64 marked_ns; /* CLOCK_MONOTONIC: when `mark` passed; 0: no measurement runs */
	__u32 mark;	 /* a sequence number of the server; an ACK past it ends the measurement */
	__u32 handshake_us;    /* from the SYN to the ACK of the SYN-ACK */
	__u32 server_us;       /* of that, up to the SYN-ACK: to the server and back */
	__u32 smoothed_us;     /* RFC 6298, 2.3 */
	__u32 least_us;	       /* of this period, ... */
	__u32 least_before_us; /* ... of the one before */
	__u32 period_began_s;  /* CLOCK_MONOTONIC */
	__u32 reserved;
};

struct sluice_paced_flow {
	__u64 packets; /* to the client, before segmentation */
	__u64 bytes;   /* to the client, on the wire */
	/* The highest sequence number that the server may send; counts from 0 before OPEN. */
	__u32 right_edge;
	__u32 lowered; /* packets whose window was lowered */
	__u32 service;
	__u32 client_isn;
	__u16 client_mss;  /* bytes, announced in the client's SYN */
	__u16 syn_window;  /* bytes, of the client's SYN */
	__u8 client_scale; /* RFC 7323: 0 to 14 */
	__u8 server_scale;
	__u16 flags; /* enum sluice_paced_flag */
	struct sluice_round_trip round_trip;
	__u32 client_window; /* bytes, last advertised by the client: RWND, before the ceiling */
	__u32 server_window; /* bytes, last advertised by the server */
	__u32 ceiling_bytes; /* the policy limit at the last packet; 0: none */
	__u32 server_edge;   /* end of the data that the server has sent */
	__u32 client_edge;   /* end of the data that the client has sent */
	__u32 server_retransmits; /* packets without new data */
	__u32 client_retransmits;
	__u32 seen_s; /* CLOCK_MONOTONIC: the last segment of the client */
};

/*
 * A socket of this host that paces itself at its service's rate. Map `paced_sockets`, socket
 * storage.
 */
struct sluice_paced_socket {
	__u64 rate_bytes_per_sec; /* on the wire; 0: it does not pace itself */
	__u32 service;
	__u32 mss_bytes; /* from which the rate of its payload was computed */
};

/*
 * Totals of all flows of a service, ended ones included. Map `flow_totals` (per CPU), by service
 * number.
 */
struct sluice_flow_totals {
	__u64 begun;	       /* flows, by their SYN */
	__u64 finished;	       /* flows, by a FIN from each side */
	__u64 reset;	       /* flows, by the service's RST */
	__u64 windows_lowered; /* packets */
	__u64 server_retransmits;
	__u64 client_retransmits;
};

#endif
