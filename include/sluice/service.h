/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Services and backends, each in two forms: the configuration (`*_config`), and what the packet
 * path reads, which user space derives from the configuration and can rebuild at any time.
 */
#ifndef SLUICE_SERVICE_H
#define SLUICE_SERVICE_H

#include "sluice/address.h"
#include "sluice/limits.h"

enum sluice_mode {
	SLUICE_MODE_IPIP = 1, /* IP in IP, any family in any (RFC 2003, 2473, 4213) */
	SLUICE_MODE_SNAT = 2, /* full NAT: both addresses translated; replies return here */
	SLUICE_MODE_GUE = 3,  /* IP in UDP (draft-ietf-intarea-gue-09), any family in any */
	SLUICE_MODE_L2 = 4,   /* only the MACs are changed: backends on the director's segment */
	SLUICE_MODE_NAT = 5,  /* destination NAT, without state; replies return here */
};

/* The fields of a packet that select its ring slot. */
enum sluice_affinity {
	SLUICE_AFFINITY_FLOW = 0,	    /* client address and both ports */
	SLUICE_AFFINITY_CLIENT = 1,	    /* client address: the same slot in all services */
	SLUICE_AFFINITY_CLIENT_SERVICE = 2, /* client address, and another slot per service */
};

/* What applies to a source prefix of a service. Map `source_filters`. */
enum sluice_filter_action {
	SLUICE_FILTER_ALLOW = 1,
	SLUICE_FILTER_DENY = 2,
	SLUICE_FILTER_REMOVING = 4, /* together with one of the others */
};

enum sluice_backend_state {
	SLUICE_BACKEND_UP = 1,
	SLUICE_BACKEND_DRAINING = 2, /* keeps its connections, gets no new ones */
	SLUICE_BACKEND_DOWN = 3,     /* gets no packets */
};

struct sluice_name {
	char text[SLUICE_NAME_LENGTH]; /* NUL-padded; [a-z0-9._-], at least one character */
};

/* Options of a service that programs read where they are kept (bpf/maps/service_configs.h). */
struct sluice_service_options {
	__u32 idle_timeout_s; /* a TCP connection that was silent for longer counts as gone */
	__u32 udp_timeout_s;  /* a UDP flow that was silent for longer counts as new */
	__u16 mss;	      /* the most in a SYN or SYN-ACK, bytes; 0: any; or SLUICE_MSS_AUTO */
	__u8 gue_variant;     /* mode gue: 0 or 1 */
	__u8 reserved[5];     /* zero */
};

#define SLUICE_MSS_AUTO 1    /* what fits the path */
#define SLUICE_MSS_MIN 88    /* the least that Linux accepts (TCP_MIN_MSS) */
#define SLUICE_MSS_MAX 65495 /* the longest IPv4 packet without its headers */

/* The configuration of a service. Map `service_configs`, by service number. */
struct sluice_service_config {
	struct sluice_name name;
	struct sluice_endpoint endpoint;
	__u32 service;	  /* its number, from 1: index of `ring_heads` ...; 0: there is none */
	__u8 mode;	  /* enum sluice_mode */
	__u8 ring_bits;	  /* the ring has 1 << ring_bits slots; it never shrinks */
	__u8 removing;	  /* 1: being removed; the next command finishes that */
	__u8 prefix_bits; /* of endpoint.address: from 96 on in IPv4; 128: one address */
	__u8 affinity;	  /* enum sluice_affinity */
	__u8 quic;	  /* 1: QUIC, steered by connection id (bpf/steer/quic.h) */
	__u8 reserved[6];
	struct sluice_service_options options;
	__u64 retired_packets; /* counted by backends that were removed since */
	__u64 retired_bytes;
	__u64 retired_connections;
};

/*
 * The configuration of a backend. Map `backend_configs`, by backend number, from 1, as `backends`
 * and `backend_paths`. An address and port is there once in a service.
 */
struct sluice_backend_config {
	struct sluice_address address;
	__be16 port;
	__u16 adapted_permille; /* the part of `weight` in force; 0: all of it */
	__u32 service;		/* 0: there is no backend of this number */
	__u32 weight;		/* 0 to SLUICE_WEIGHT_MAX */
	__u8 state;		/* enum sluice_backend_state */
	__u8 removing;		/* 1: being removed; the next command finishes that */
	/* Set by `sluice run`, independent of `state`. 1: its health checks fail, so it is down. */
	__u8 failing;
	__u8 reserved;
};

enum sluice_service_flag {
	SLUICE_SERVICE_WINDOWED = 1,	  /* windows are lowered in packets of its clients */
	SLUICE_SERVICE_REPLIES = 2,	  /* no service: an address where snat replies arrive */
	SLUICE_SERVICE_TRANSLATED = 4,	  /* mode snat: every connection is in `translations` */
	SLUICE_SERVICE_AFFINE = 8,	  /* `salt` replaces the ports in the flow's hash */
	SLUICE_SERVICE_FILTERED = 16,	  /* sources are looked up in `source_filters` ... */
	SLUICE_SERVICE_DENIES = 32,	  /* ... and denied if no prefix contains them */
	SLUICE_SERVICE_LIMITED = 64,	  /* new connections are limited (`admissions`) */
	SLUICE_SERVICE_QUIC = 128,	  /* steered by connection id */
	SLUICE_SERVICE_ADDRESS = 256,	  /* no service: its address, which answers echo requests */
	SLUICE_SERVICE_NAT_REPLIES = 512, /* no service: a nat backend, the source of replies */
	SLUICE_SERVICE_POLICED = 1024,	  /* bytes from clients are limited (`policings`) */
	SLUICE_SERVICE_MSS = 2048,	  /* the MSS of SYNs is lowered (`service_configs`) */
};

/*
 * Flags that the fast path (program `steer`) does not implement: packets of these services take the
 * slow path (program `steer_slow`).
 */
#define SLUICE_SERVICE_SLOW_PATH                                                        \
	(SLUICE_SERVICE_WINDOWED | SLUICE_SERVICE_REPLIES | SLUICE_SERVICE_TRANSLATED | \
	 SLUICE_SERVICE_FILTERED | SLUICE_SERVICE_QUIC | SLUICE_SERVICE_ADDRESS |       \
	 SLUICE_SERVICE_NAT_REPLIES | SLUICE_SERVICE_POLICED)

/* The same for packets that open a TCP connection. They do not concern the others. */
#define SLUICE_SERVICE_SLOW_PATH_OPENING (SLUICE_SERVICE_LIMITED | SLUICE_SERVICE_MSS)

/*
 * The packet path's table of services: two-choice buckets of one cache line. An endpoint is in
 * bucket service_hash_first() or service_hash_second() (bpf/pure/hash.h). User space builds a new
 * table for every change and swaps it in with one update (map `service_tables`, index 0).
 *
 *	entry			address		port		l4_proto	flags
 *	service			service's	service's	service's
 *	service of any port	service's	0		service's
 *	address of services	service's	0		ICMP, ICMPv6	ADDRESS
 *	replies of snat		snat source	0		0		REPLIES
 *	replies of nat		backend's	backend's	service's	NAT_REPLIES
 *
 * Services whose address is a prefix, and their addresses, are in `service_prefixes` instead, with
 * the same entries.
 */
struct sluice_service_entry {
	struct sluice_address address;
	__be16 port;
	__u8 l4_proto;
	__u8 used; /* 1 when the entry holds an endpoint */
	/* NAT_REPLIES: the backend's. ADDRESS: the lowest with this address. REPLIES, empty: 0. */
	__u32 service;
	__u32 flags; /* enum sluice_service_flag */
	/* AFFINE: replaces the ports in the flow's hash. NAT_REPLIES: the backend's number. */
	__u32 salt;
};

#define SLUICE_BUCKET_ENTRIES 2

struct sluice_service_bucket {
	struct sluice_service_entry entries[SLUICE_BUCKET_ENTRIES];
};

/*
 * Key of `service_prefixes` (LPM trie): port and protocol before the address, so that every match
 * has this port and protocol. `bits`: 32 for those, and the bits of the prefix.
 */
struct sluice_prefix_key {
	__u32 bits;
	__be16 port;
	__u8 l4_proto;
	__u8 reserved; /* zero */
	__u8 address[16];
};

#define SLUICE_PREFIX_KEY_BITS 32 /* before the address */

/*
 * Key of `source_filters` (LPM trie). `bits`: 32 for the service, and the bits of the prefix. The
 * map is both the configuration and what the packet path reads. Value: a __u32 of enum
 * sluice_filter_action. The packet path tests SLUICE_FILTER_ALLOW only. SLUICE_FILTER_REMOVING
 * tells the command after a kill which removals to finish.
 */
struct sluice_filter_key {
	__u32 bits;
	__u32 service;
	__u8 address[16];
};

#define SLUICE_FILTER_KEY_BITS 32 /* before the address */

/*
 * The filter before the table of services (map `address_filter`, one element): a packet to any
 * other address passes after one load. For every address in the table, bit address_filter_bit()
 * (bpf/pure/hash.h) is set. `features` tells which kinds of entries the table has.
 *
 * Order of a change: user space sets new bits and features, updates `service_prefixes`, swaps the
 * table, which waits for every packet in progress, and clears old bits and features.
 */
#define SLUICE_ADDRESS_FILTER_BITS 65536

enum sluice_feature {
	SLUICE_FEATURE_ANY_PORT = 1, /* entries of port 0: services, addresses, replies of snat */
	SLUICE_FEATURE_PREFIXES = 2, /* `service_prefixes` is not empty; all bits are set then */
	SLUICE_FEATURE_NAT = 4,	     /* NAT_REPLIES entries: sources are looked up as well */
};

struct sluice_address_filter {
	__u32 features;
	__u32 reserved;
	__u64 words[SLUICE_ADDRESS_FILTER_BITS / 64];
};

/*
 * A token bucket in the form of bpf/pure/gcra.h. Maps `admissions` (connections), `policings` and
 * `pace_policings` (bytes), by service number.
 */
struct sluice_admission {
	__u64 due_ns; /* theoretical arrival time of the next one, CLOCK_MONOTONIC */
};

/* The longest outer headers are IPv6, UDP and GUE, 52 bytes; padded to fill a cache line. */
#define SLUICE_OUTER_BYTES 56

/*
 * The prebuilt outer headers of modes ipip and gue. Lengths, inner protocol, flow label and UDP
 * source port are filled in per packet. The checksum field of IPv4 holds the sum of the other
 * words.
 */
struct sluice_outer {
	__u8 headers[SLUICE_OUTER_BYTES];
	__u8 length;   /* of all headers; 0: none */
	__u8 ip_bytes; /* of the IP header: 20 or 40; UDP and GUE follow in mode gue */
	__u8 reserved[6];
};

/*
 * A backend as the slow path reads it. Map `backends`, by backend number. Written before a ring
 * names the backend; then only `state` changes, until no ring and no flow names it any more.
 */
struct sluice_backend {
	struct sluice_outer outer;
	__u8 mode;  /* enum sluice_mode, of its service */
	__u8 state; /* enum sluice_backend_state */
	__u8 reserved[2];
	__u32 service;
	struct sluice_address address;
	struct sluice_address source; /* of the outer header, or of the translated flow (snat) */
	/* The service's endpoint, which is the source of translated replies. */
	struct sluice_address service_address;
	__be16 port; /* 0: the destination port of the client */
	__be16 service_port;
	__u8 reserved2[4];
};

/*
 * The path to a backend, per CPU: all that a settled packet needs. Outer headers, the next hop as
 * the kernel's tables last gave it, and the counters. Map `backend_paths`, by backend number.
 * Filled by the slow path, cleared when the backend number is freed.
 */
struct sluice_backend_path {
	struct sluice_outer outer;
	__u8 macs[12]; /* of the next hop and of the device, as an Ethernet header begins */
	__u32 ifindex; /* 0: nothing cached */
	__u64 expires_jiffies;
	__u64 fast_path_until_jiffies; /* the same; 0: only the slow path may use it */
	__u64 packets;
	__u64 bytes;	   /* from the IP header on, before encapsulation */
	__u64 connections; /* SYNs; in mode snat also the first packets of UDP flows */
	__u32 mtu;	   /* bytes: the longest packet that fits before encapsulation */
	__u32 punt;	   /* 1: steer is not attached to the device (map `devices`) */
};

#endif
