/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every bound and time-out that both sides must agree on, with its unit and its reason. */
#ifndef SLUICE_LIMITS_H
#define SLUICE_LIMITS_H

/* Layout of everything in include/sluice; an instance of another one is refused. */
#define SLUICE_SCHEMA_VERSION 3

#define SLUICE_NAME_LENGTH 32 /* bytes, with the NUL */
#define SLUICE_WEIGHT_MAX 65535

#define SLUICE_RING_BITS_MIN 8	/* 256 slots: a weight is exact to 0.4 % */
#define SLUICE_RING_BITS_MAX 16 /* 65536 slots, 256 KiB */

/* Capacities of a new instance unless the operator says otherwise. */
#define SLUICE_SERVICES_DEFAULT 1024
#define SLUICE_BACKENDS_DEFAULT 16384
#define SLUICE_FLOWS_DEFAULT 262144
#define SLUICE_HALF_OPEN_DEFAULT 65536

/*
 * What the operator may say instead. Tables of flows evict the least used entry and do so badly
 * when they are tiny; the largest take some 20 GiB together.
 */
#define SLUICE_SERVICES_MAX 65536
#define SLUICE_BACKENDS_MAX 1048576
#define SLUICE_FLOWS_MIN 1024
#define SLUICE_FLOWS_MAX 33554432

/*
 * What must fit in one packet behind the encapsulation (RFC 8200, 5: 1280; RFC 791: 576). Bytes
 * from the IP header on.
 */
#define SLUICE_FITS_V4 576
#define SLUICE_FITS_V6 1280

/*
 * Ports that snat takes: below Linux's ephemeral range (32768 to 60999), so that the director's
 * own connections to a backend never meet a translated one.
 */
#define SLUICE_SNAT_PORT_FIRST 1024
#define SLUICE_SNAT_PORT_LAST 32767
#define SLUICE_SNAT_PORT_TRIES 32

/* Seconds of silence after which the port of a translated flow may be taken over. */
#define SLUICE_SNAT_OPENING_S 30
#define SLUICE_SNAT_ESTABLISHED_S 7440 /* RFC 5382, REQ-5: not less than 2 hours 4 minutes */
#define SLUICE_SNAT_CLOSED_S 4	       /* both FINs or a RST: the last ACK may still be repeated */
#define SLUICE_SNAT_UDP_S 300	       /* RFC 4787, REQ-5: 5 minutes recommended */

/*
 * UDP has no SYN: a flow that was silent for so long begins anew, and what is unknown in a slot
 * that has moved for so long is new. Seconds; of a service, unless the operator says otherwise.
 */
#define SLUICE_UDP_TIMEOUT_S_DEFAULT 60

/*
 * A TCP connection that was silent for so long may be taken for gone when its slot settles.
 * Seconds; of a service, unless the operator says otherwise.
 */
#define SLUICE_IDLE_TIMEOUT_S_DEFAULT 900
#define SLUICE_TIMEOUT_S_MAX 604800 /* a week */

/*
 * A connection of which only SYNs were seen, none for so long, is gone: Linux gives a SYN-ACK up
 * after 63 s (tcp_synack_retries 5), and a SYN after 127 s (tcp_syn_retries 6).
 */
#define SLUICE_HALF_OPEN_S 128

/* Devices of one instance that steer is on at once. */
#define SLUICE_DEVICES_MAX 64

/* IANA's port of GUE; Linux: ip fou add port 6080 gue. */
#define SLUICE_GUE_PORT 6080

/* Fragments of a packet follow its first one for so long (RFC 8200, 4.5: 60 s). */
#define SLUICE_FRAGMENT_S 60
#define SLUICE_FRAGMENTS_DEFAULT 16384

/* Source prefixes of all services together. */
#define SLUICE_SOURCE_FILTERS_DEFAULT 65536

/*
 * Reports of packets that are too big, on each CPU: so many a second, and at once. Linux's own
 * limit for all ICMP is 1000 a second and 50 at once (net.ipv4.icmp_msgs_per_sec, icmp_msgs_burst).
 */
#define SLUICE_REPORTS_PER_S 1000
#define SLUICE_REPORTS_BURST 50

/* The interval of two new connections, in ns, is then still exact to 1 %. */
#define SLUICE_CONNECTION_RATE_MAX 10000000

/* New connections that a limited service takes at once: those of so long. */
#define SLUICE_ADMISSION_BURST_MS 100

/*
 * What clients may send at once beyond a policed service's rate: that of so long, and one packet of
 * the longest kind. `pace` takes twice as much, so that it drops nothing that `steer` let pass.
 */
#define SLUICE_POLICING_BURST_MS 50
#define SLUICE_POLICING_BURST_BYTES 65536

/* Of flows that share a rate; and prefixes of clients that have one, of all services together. */
#define SLUICE_FLOW_WEIGHT_MAX 100
#define SLUICE_CLIENT_WEIGHTS_DEFAULT 65536

/* Random loss beyond this is an outage; a backend that is down makes a better one. */
#define SLUICE_LOSS_PPM_MAX 500000

/* A next hop is asked for again after so many jiffies: 0.25 to 2.5 s, as CONFIG_HZ has it. */
#define SLUICE_PATH_JIFFIES 250

/*
 * Changes of congestion state that wait for their reader: some 1600, and at most so many
 * nanoseconds until one that died is taken for gone.
 */
#define SLUICE_CONGESTION_EVENTS_BYTES 262144
#define SLUICE_CONGESTION_WATCH_NS 3000000000ull

/* Extension headers that the parser follows before it lets the packet go as not ours. */
#define SLUICE_IPV6_EXTENSIONS_MAX 6

#endif
