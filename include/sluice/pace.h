/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is kept of a flow whose service has a policy: map `paced_flows`, keyed by struct sluice_flow
 * (source: the client, destination: the service as seen on the device, which behind a translation
 * is the backend). Written by `pace` in tc and by `steer` in XDP alike. An entry begins with the
 * client's SYN or, at tc egress, with the first packet to the client, and goes with the last ACK,
 * with the service's RST, or when it is the least used.
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
	SLUICE_PACED_CLIENT_RST = 256,	 /* seen, and not believed: the flow goes on */
	SLUICE_PACED_CLIENT_DATA = 512,	 /* client_edge holds */
	SLUICE_PACED_SERVER_DATA = 1024, /* server_edge holds */
};

/*
 * A flow's round trip from where it is seen to the client, the server, and back here
 * (pure/roundtrip.h). Microseconds; 0: not known.
 */
struct sluice_round_trip {
	__u64 marked_ns; /* CLOCK_MONOTONIC: when `mark` passed; 0: nothing is being timed */
	__u32 mark;	 /* a sequence number of the server's; an ACK past it ends the round trip */
	__u32 handshake_us;    /* from the SYN to the ACK of the SYN-ACK */
	__u32 server_us;       /* of that, up to the SYN-ACK: from here to the server and back */
	__u32 smoothed_us;     /* RFC 6298, 2.3 */
	__u32 least_us;	       /* of this period, which began then, ... */
	__u32 least_before_us; /* ... and of the one before */
	__u32 period_began_s;  /* CLOCK_MONOTONIC */
	__u32 reserved;
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
	__u16 flags; /* enum sluice_paced_flag */
	struct sluice_round_trip round_trip;
	__u32 client_window; /* bytes, as the client last advertised them: RWND, before the ceiling
			      */
	__u32 server_window; /* bytes, as the server last advertised them */
	__u32 ceiling_bytes; /* S0 as it was last; 0: none */
	__u32 server_edge;   /* behind the last byte that the server has sent */
	__u32 client_edge;   /* behind the last byte that the client has sent */
	__u32 server_retransmits; /* packets of the server's that brought nothing new */
	__u32 client_retransmits;
	__u32 seen_s; /* CLOCK_MONOTONIC: when the client was last heard */
};

/*
 * A socket of this host's that paces itself at its service's rate. Map `paced_sockets`, which is
 * kept with the socket.
 */
struct sluice_paced_socket {
	__u64 rate_bytes_per_sec; /* on the wire; 0: it does not */
	__u32 service;
	__u32 mss_bytes; /* by which the rate of its payload was found */
};

/*
 * The same of all flows of a service together, also of those that have gone. Map `flow_totals` (per
 * CPU), by service number.
 */
struct sluice_flow_totals {
	__u64 begun;	       /* SYNs that began a flow */
	__u64 finished;	       /* by a FIN from each side */
	__u64 reset;	       /* by the service's RST */
	__u64 windows_lowered; /* packets */
	__u64 server_retransmits;
	__u64 client_retransmits;
};

#endif
