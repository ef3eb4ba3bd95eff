/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A flow and what is tracked of it. A flow is always written the way its client's packets
 * carry it: source is the client, destination is the service, on whichever host one looks.
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
	__u32 backend; /* 0: it has left, and the entry says nothing */
	__u32 seen_s;  /* CLOCK_MONOTONIC_COARSE, seconds: when the last packet passed */
};

/* What the fragments of one packet share; 40 bytes, no holes. */
struct sluice_fragment_key {
	struct sluice_address source;
	struct sluice_address destination;
	__u32 id; /* as in the packet: 16 bits in IPv4 */
	__u8 l4_proto;
	__u8 reserved[3]; /* zero */
};

/* Where the first fragment of a packet went. Map `fragments`, keyed by struct sluice_fragment_key.
 */
struct sluice_fragment {
	struct sluice_address source; /* translated: the packet leaves with these */
	struct sluice_address destination;
	__u32 service;
	__u32 backend; /* 0: it is a reply, to the client */
	__u32 seen_s;  /* as in sluice_tracked_flow */
	__u8 translated;
	__u8 reserved[3];
};

enum sluice_translation_state {
	SLUICE_TRANSLATION_OPENING, /* nothing but the first packet was seen this way */
	SLUICE_TRANSLATION_OPEN,
	SLUICE_TRANSLATION_FINISHED, /* a FIN passed this way */
	SLUICE_TRANSLATION_RESET,    /* a RST passed this way */
};

/*
 * One direction of a translated (snat) flow. Map `translations`, keyed by the 5-tuple with which
 * a packet arrives; its packets leave with `translated_tuple`. The entry of the other direction is
 * keyed by the reverse of `translated_tuple`.
 */
struct sluice_translation {
	struct sluice_flow translated_tuple;
	__u32 backend; /* 0: it has left, and the entry says nothing */
	__u32 service;
	__u32 seen_s; /* as in sluice_tracked_flow */
	__u8 state;   /* enum sluice_translation_state */
	__u8 reply;   /* 1: from the backend to the client */
	__u8 reserved[2];
	__u32 claimed; /* set once, by whoever takes over the port of a dead flow */
	__u32 reserved2;
};

#endif
