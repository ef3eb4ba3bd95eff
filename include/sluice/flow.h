/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Flows, and what is tracked of them. A flow is written as its client's packets carry it, on every
 * host: source is the client, destination is the service.
 */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include "sluice/address.h"

/* A 5-tuple; 40 bytes, no holes. */
struct sluice_flow {
	struct sluice_address source;
	struct sluice_address destination;
	__be16 source_port;
	__be16 destination_port;
	__u8 l4_proto;
	__u8 reserved[3]; /* zero: flows are map keys */
};

/*
 * The backend of a flow that began while its ring slot moved. Maps `flows` (established) and
 * `half_open` (only a SYN was seen), keyed by struct sluice_flow.
 */
struct sluice_tracked_flow {
	__u32 backend; /* 0: it was removed, and the entry is void */
	__u32 seen_s;  /* when the last packet passed: seconds of CLOCK_MONOTONIC_COARSE */
};

/* The fields that the fragments of one packet share. 40 bytes, no holes. */
struct sluice_fragment_key {
	struct sluice_address source;
	struct sluice_address destination;
	__u32 id; /* as in the packet: 16 bits in IPv4 */
	__u8 l4_proto;
	__u8 reserved[3]; /* zero */
};

/* The path of a packet's first fragment. Map `fragments`, keyed by struct sluice_fragment_key. */
struct sluice_fragment {
	struct sluice_address source; /* of the packet as it leaves, if translated */
	struct sluice_address destination;
	__u32 service;
	__u32 backend; /* 0: a reply to the client */
	__u32 seen_s;  /* as in sluice_tracked_flow */
	__u8 translated;
	__u8 reserved[3];
};

enum sluice_translation_state {
	SLUICE_TRANSLATION_OPENING, /* only opening packets passed in this direction */
	SLUICE_TRANSLATION_OPEN,
	SLUICE_TRANSLATION_FINISHED, /* a FIN passed in this direction */
	SLUICE_TRANSLATION_RESET,    /* a RST passed in this direction */
};

/*
 * One direction of a full-NAT (snat) flow. Map `translations`, keyed by the 5-tuple of a packet
 * that arrives. The packet leaves with `translated_tuple`. The key of the other direction is the
 * reverse of `translated_tuple`.
 */
struct sluice_translation {
	struct sluice_flow translated_tuple;
	__u32 backend; /* 0: it was removed, and the entry is void */
	__u32 service;
	__u32 seen_s; /* as in sluice_tracked_flow */
	__u8 state;   /* enum sluice_translation_state */
	__u8 reply;   /* 1: from the backend to the client */
	__u8 reserved[2];
	__u32 claimed; /* set once, by the CPU that takes over the port of this dead flow */
	__u32 reserved2;
};

#endif
