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
	SLUICE_MODE_GUE = 3,  /* IP in UDP (draft-ietf-intarea-gue-09), any family in any */
	SLUICE_MODE_L2 = 4,   /* only the MAC is changed: backends on the director's segment */
	SLUICE_MODE_NAT = 5,  /* the destination translated, without state; replies come this way */
};

/* What of a packet picks its slot. */
enum sluice_affinity {
	SLUICE_AFFINITY_FLOW = 0,	    /* client, and both ports */
	SLUICE_AFFINITY_CLIENT = 1,	    /* the client alone: the same backend in all services */
	SLUICE_AFFINITY_CLIENT_SERVICE = 2, /* the client, in each service apart */
};

/* Whose address a source prefix of a service is. Map `source_filters`. */
enum sluice_filter_action {
	SLUICE_FILTER_ALLOW = 1,
	SLUICE_FILTER_DENY = 2,
	SLUICE_FILTER_REMOVING = 4, /* beside one of the others */
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
	__u32 service;	  /* its number, from 1: index into `rings`, `verdicts`, `policies` */
	__u8 mode;	  /* enum sluice_mode */
	__u8 ring_bits;	  /* the ring has 1 << ring_bits slots; it only ever grows */
	__u8 removing;	  /* 1: on its way out; whoever sees it finishes the removal */
	__u8 prefix_bits; /* of endpoint.address, of 128: 96 and more in IPv4; 128: one address */
	__u8 affinity;	  /* enum sluice_affinity */
	__u8 gue_variant; /* mode gue: 0 or 1 */
	__u8 quic;	  /* 1: UDP whose connection ids name their backend (bpf/steer/quic.h) */
	__u8 reserved[5];
	__u32 idle_timeout_s;  /* a TCP connection that was silent for longer may be purged */
	__u32 udp_timeout_s;   /* a UDP flow that was silent for longer begins anew */
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
	/* What `sluice run` saw, apart from the operator's word. 1: down, for its checks fail. */
	__u8 failing;
	__u8 reserved;
	__u16 adapted_permille; /* of `weight`, that it shall have just now; 0: all of it */
	__u16 reserved2;
};

enum sluice_service_flag {
	SLUICE_SERVICE_WINDOWED = 1,	  /* windows are lowered in what its clients send */
	SLUICE_SERVICE_REPLIES = 2,	  /* no service: an address that snat replies come to */
	SLUICE_SERVICE_TRANSLATED = 4,	  /* mode snat: every connection is in `translations` */
	SLUICE_SERVICE_AFFINE = 8,	  /* `salt` stands in for the ports when a slot is picked */
	SLUICE_SERVICE_FILTERED = 16,	  /* sources are looked up in `source_filters` ... */
	SLUICE_SERVICE_DENIES = 32,	  /* ... and denied where nothing is found there */
	SLUICE_SERVICE_LIMITED = 64,	  /* new connections are limited (`admissions`) */
	SLUICE_SERVICE_QUIC = 128,	  /* connection ids name backends */
	SLUICE_SERVICE_ADDRESS = 256,	  /* no service: an address of one, which answers echo */
	SLUICE_SERVICE_NAT_REPLIES = 512, /* no service: a nat backend, replies come from there */
	SLUICE_SERVICE_POLICED = 1024,	  /* what clients send is limited (`policings`) */
};

/*
 * Flags of services that the short way (program `steer`) has no code for: their packets take the
 * long way (program `steer_slow`).
 */
#define SLUICE_SERVICE_SLOW_PATH                                                        \
	(SLUICE_SERVICE_WINDOWED | SLUICE_SERVICE_REPLIES | SLUICE_SERVICE_TRANSLATED | \
	 SLUICE_SERVICE_FILTERED | SLUICE_SERVICE_LIMITED | SLUICE_SERVICE_QUIC |       \
	 SLUICE_SERVICE_ADDRESS | SLUICE_SERVICE_NAT_REPLIES | SLUICE_SERVICE_POLICED)

/*
 * The packet path's table of services: two-choice buckets of one cache line. An endpoint sits in
 * bucket service_hash_first() or service_hash_second() (pure/hash.h). User space lays the table
 * out anew for every change and swaps it whole (map `service_tables`, index 0).
 *
 *	what			address		port	l4_proto	flags
 *	a service		its		its	its
 *	a service of any port	its		0	its
 *	an address of services	its		0	ICMP, ICMPv6	ADDRESS
 *	replies of snat		its source	0	0		REPLIES
 *	replies of nat		a backend's	its	the service's	NAT_REPLIES
 *
 * Services whose address is a prefix, and their addresses, are in `service_prefixes` instead, with
 * the same entries.
 */
struct sluice_service_entry {
	struct sluice_address address;
	__be16 port;
	__u8 l4_proto;
	__u8 used; /* 1 when the entry holds an endpoint */
	/*
	 * NAT_REPLIES: the backend's. ADDRESS: the lowest that has it, so that what is counted of
	 * an address has a place. 0: REPLIES, or an empty entry.
	 */
	__u32 service;
	__u32 flags; /* enum sluice_service_flag */
	/*
	 * AFFINE: stands in for the ports in the flow's hash, the same on every director.
	 * NAT_REPLIES: the backend's number.
	 */
	__u32 salt;
};

#define SLUICE_BUCKET_ENTRIES 2

struct sluice_service_bucket {
	struct sluice_service_entry entries[SLUICE_BUCKET_ENTRIES];
};

/*
 * Key of `service_prefixes` (LPM trie): port, protocol and then the address, so that the longest
 * match is one of this port. `bits` counts port and protocol too: 32 and the address's own.
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
 * Key of `source_filters` (LPM trie). `bits` counts the service too: 32 and the address's own. The
 * map is the truth and what the packet path reads. Value: a __u32 of which the packet path asks
 * only for the bit SLUICE_FILTER_ALLOW; SLUICE_FILTER_REMOVING tells user space, after a kill, what
 * it has to finish, and changes nothing for a packet.
 */
struct sluice_filter_key {
	__u32 bits;
	__u32 service;
	__u8 address[16];
};

#define SLUICE_FILTER_KEY_BITS 32 /* before the address */

/*
 * Which addresses may be ours, so that whatever else passes after one look (map `address_filter`,
 * one element). Bit address_filter_bit() (pure/hash.h) of every address in the service table is
 * set; `features` says what else the table has. User space sets bits and features before it swaps
 * a table in that needs them, and clears them after one that does not. `service_prefixes` is
 * brought up to date between the two, before the swap, which waits for every packet that is under
 * way.
 */
#define SLUICE_ADDRESS_FILTER_BITS 65536

enum sluice_feature {
	SLUICE_FEATURE_ANY_PORT = 1, /* entries of port 0: services, addresses, replies of snat */
	SLUICE_FEATURE_PREFIXES = 2, /* `service_prefixes` is not empty; all bits are set then */
	SLUICE_FEATURE_NAT = 4,	     /* NAT_REPLIES entries: sources count as well */
};

struct sluice_address_filter {
	__u32 features;
	__u32 reserved;
	__u64 words[SLUICE_ADDRESS_FILTER_BITS / 64];
};

/*
 * When a service next admits a connection: map `admissions`, by service number. The generic cell
 * rate algorithm (ITU-T I.371): the time that the next one is due, moved on with each.
 */
struct sluice_admission {
	__u64 due_ns; /* CLOCK_MONOTONIC */
};

/* The longest outer header, IPv6, UDP and GUE, filled up to what a cache line has room for. */
#define SLUICE_OUTER_BYTES 56

/*
 * ipip and gue: the outer headers, ready but for lengths, inner protocol, flow label, UDP source
 * port and, in IPv4, a checksum that covers all but those.
 */
struct sluice_outer {
	__u8 headers[SLUICE_OUTER_BYTES];
	__u8 length;   /* of all of them; 0 where nothing is put on */
	__u8 ip_bytes; /* of the first: 20 or 40; what follows is UDP and GUE */
	__u8 reserved[6];
};

/*
 * What the long way needs of a backend. Map `backends`, indexed by number; written before any ring
 * names it, and then only `state` changes until no ring and no flow can name it any more.
 */
struct sluice_backend {
	struct sluice_outer outer;
	__u8 mode;  /* enum sluice_mode, of its service */
	__u8 state; /* enum sluice_backend_state */
	__u8 reserved[2];
	__u32 service;
	struct sluice_address address;
	struct sluice_address source; /* of the outer header, or of the translated flow (snat) */
	/* nat: what replies come from instead, and snat: the service's own endpoint. */
	struct sluice_address service_address;
	__be16 port; /* 0: the one that the client asked for */
	__be16 service_port;
	__u8 reserved2[4];
};

/*
 * What each CPU keeps of a backend: all that a settled packet needs, the outer headers and the next
 * hop as the kernel's tables last gave it, and the counters. Map `backend_paths` (per CPU), indexed
 * by backend number. The long way fills it in; it is cleared when the number is freed.
 */
struct sluice_backend_path {
	struct sluice_outer outer;
	__u8 macs[12]; /* of the next hop and of the device, as an Ethernet header begins */
	__u32 ifindex; /* 0: nothing cached */
	__u64 expires_jiffies;
	__u64 fast_path_until_jiffies; /* the same; 0 where the short way does not lead */
	__u64 packets;
	__u64 bytes;	   /* as they arrived, from the IP header on */
	__u64 connections; /* new flows: SYNs; in snat also first packets where there is no SYN */
	__u32 mtu;  /* bytes: of the longest packet that fits once its outer headers are on */
	__u32 punt; /* 1: its device is none that steer is on (map `devices`) */
};

#endif
