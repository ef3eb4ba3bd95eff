/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Services and backends, each in two shapes: what the operator said (`*_config`, the truth) and
 * what the packet path reads (derived from it by the control plane, rebuilt at any time).
 */
#ifndef SLUICE_SERVICE_H
#define SLUICE_SERVICE_H

#include "sluice/address.h"
#include "sluice/limits.h"

enum sluice_mode {
	SLUICE_MODE_IPIP = 1, /* IP in IP, any family in any (RFC 2003, 2473, 4213) */
	SLUICE_MODE_SNAT = 2, /* both addresses translated, the reply comes back this way */
};

enum sluice_backend_state {
	SLUICE_BACKEND_UP = 1,
	SLUICE_BACKEND_DRAINING = 2, /* keeps its connections, takes no new one */
	SLUICE_BACKEND_DOWN = 3,     /* takes nothing */
};

struct sluice_name {
	char text[SLUICE_NAME_LENGTH]; /* NUL-padded; [a-z0-9._-], at least one character */
};

/* The operator's word. Map `service_configs`, keyed by struct sluice_name. */
struct sluice_service_config {
	struct sluice_endpoint endpoint;
	__u32 service;	/* its number, from 1: index into `rings`, `verdicts`, `policies` */
	__u8 mode;	/* enum sluice_mode */
	__u8 ring_bits; /* the ring has 1 << ring_bits slots; it only ever grows */
	__u8 removing;	/* 1: on its way out; whoever sees it finishes the removal */
	__u8 reserved;
	__u64 retired_packets; /* counted by backends that are no longer there */
	__u64 retired_bytes;
	__u64 retired_connections;
};

struct sluice_backend_key {
	__u32 service;
	__be16 port;
	__u16 reserved; /* zero */
	struct sluice_address address;
};

/* The operator's word. Map `backend_configs`, keyed by struct sluice_backend_key. */
struct sluice_backend_config {
	__u32 backend; /* its number, from 1: index into `backends` and `backend_paths` */
	__u32 weight;  /* 0 to SLUICE_WEIGHT_MAX */
	__u8 state;    /* enum sluice_backend_state */
	__u8 removing; /* 1: on its way out; whoever sees it finishes the removal */
	__u8 reserved[6];
};

enum sluice_service_flag {
	SLUICE_SERVICE_PACED = 1,      /* leaves through tc, where `pace` sees it */
	SLUICE_SERVICE_REPLIES = 2,    /* no service: an address that snat replies come to */
	SLUICE_SERVICE_TRANSLATED = 4, /* mode snat: every connection is in `translations` */
};

/*
 * The packet path's table of services: two-choice buckets of one cache line. An endpoint sits in
 * bucket service_hash_first() or service_hash_second() (pure/hash.h). User space lays the table
 * out anew for every change and swaps it whole (map `service_tables`, index 0).
 * An endpoint with port 0 and l4_proto 0 is looked up when the exact one was not found.
 */
struct sluice_service_entry {
	struct sluice_address address;
	__be16 port;
	__u8 l4_proto;
	__u8 used;     /* 1 when the entry holds an endpoint */
	__u32 service; /* 0: an empty entry, or SLUICE_SERVICE_REPLIES */
	__u32 flags;   /* enum sluice_service_flag */
	__u32 reserved;
};

#define SLUICE_BUCKET_ENTRIES 2

struct sluice_service_bucket {
	struct sluice_service_entry entries[SLUICE_BUCKET_ENTRIES];
};

/*
 * What the packet path needs of a backend. Map `backends`, indexed by number; written before any
 * ring names it, and then only `state` changes until no ring and no flow can name it any more.
 */
struct sluice_backend {
	struct sluice_address address;
	struct sluice_address source; /* of the outer header (ipip) or the translated flow (snat) */
	__be16 port;
	__u8 mode;  /* enum sluice_mode, of its service */
	__u8 state; /* enum sluice_backend_state */
	__u32 service;
	__u8 outer_length; /* of `outer`: 20, 40, or 0 */
	__u8 reserved[7];
	/*
	 * ipip: the outer IPv4 or IPv6 header, ready but for length, inner protocol, flow label
	 * and, in IPv4, a checksum that covers all but those.
	 */
	__u8 outer[40];
	__u8 reserved2[32];
};

/*
 * What each CPU keeps of a backend: the next hop as the kernel's tables last gave it, and the
 * counters, in one cache line. Map `backend_paths` (per CPU), indexed by backend number.
 */
struct sluice_backend_path {
	__u8 destination_mac[6];
	__u8 source_mac[6];
	__u32 ifindex; /* 0: nothing cached */
	__u64 expires_jiffies;
	__u64 packets;
	__u64 bytes;	   /* as they arrived, from the IP header on */
	__u64 connections; /* new flows: SYNs; in snat also first packets where there is no SYN */
	__u32 mtu;	   /* bytes, of the route */
	__u32 reserved[3];
};

#endif
