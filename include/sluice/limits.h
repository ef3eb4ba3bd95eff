/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The bounds and time-outs that programs and user space share, with unit and reason. */
#ifndef SLUICE_LIMITS_H
#define SLUICE_LIMITS_H

/* The layout of everything in include/sluice. An instance of another version is refused. */
#define SLUICE_SCHEMA_VERSION 3

#define SLUICE_NAME_LENGTH 32 /* bytes, with the NUL */
#define SLUICE_WEIGHT_MAX 65535

#define SLUICE_RING_BITS_MIN 8	/* 256 slots: weights are exact to 0.4 % */
#define SLUICE_RING_BITS_MAX 16 /* 65536 slots, 256 KiB */

/* Default capacities of a new instance. */
#define SLUICE_SERVICES_DEFAULT 1024
#define SLUICE_BACKENDS_DEFAULT 16384
#define SLUICE_FLOWS_DEFAULT 262144
#define SLUICE_HALF_OPEN_DEFAULT 65536

/*
 * Bounds of these capacities. Tiny LRU tables evict entries that are in use; the largest tables
 * take about 20 GiB together.
 */
#define SLUICE_SERVICES_MAX 65536
#define SLUICE_BACKENDS_MAX 1048576
#define SLUICE_FLOWS_MIN 1024
#define SLUICE_FLOWS_MAX 33554432

/*
 * The inner packet that has to fit into one outer packet (RFC 8200, 5: 1280; RFC 791: 576). Bytes
 * from the IP header on.
 */
#define SLUICE_FITS_V4 576
#define SLUICE_FITS_V6 1280

/*
 * Source ports of snat: below Linux's ephemeral range (32768 to 60999), so that the director's own
 * connections to a backend never collide with a translated one.
 */
#define SLUICE_SNAT_PORT_FIRST 1024
#define SLUICE_SNAT_PORT_LAST 32767
#define SLUICE_SNAT_PORT_TRIES 32

/* Seconds of silence after which the port of a translated flow may be taken over. */
#define SLUICE_SNAT_OPENING_S 30
#define SLUICE_SNAT_ESTABLISHED_S 7440 /* RFC 5382, REQ-5: not less than 2 hours 4 minutes */
#define SLUICE_SNAT_CLOSED_S 4	       /* both FINs or a RST: the last ACK may be repeated */
#define SLUICE_SNAT_UDP_S 300	       /* RFC 4787, REQ-5: 5 minutes recommended */

/*
 * UDP has no SYN: a flow that was silent for longer counts as new, and so does an unknown flow in a
 * slot that has moved for longer. Seconds; the default of a service.
 */
#define SLUICE_UDP_TIMEOUT_S_DEFAULT 60

/*
 * A TCP connection that was silent for longer counts as gone when its slot settles. Seconds; the
 * default of a service.
 */
#define SLUICE_IDLE_TIMEOUT_S_DEFAULT 900
#define SLUICE_TIMEOUT_S_MAX 604800 /* a week */

/*
 * A half-open connection is gone this many seconds after its last SYN. Linux stops repeating a
 * SYN-ACK after 63 s (tcp_synack_retries 5), and a SYN after 127 s (tcp_syn_retries 6).
 */
#define SLUICE_HALF_OPEN_S 128

/* Devices of one instance that steer is attached to at the same time. */
#define SLUICE_DEVICES_MAX 64

/* IANA's port of GUE. A Linux server receives it by `ip fou add port 6080 gue`. */
#define SLUICE_GUE_PORT 6080

/* How long the path of a first fragment is kept for the later ones (RFC 8200, 4.5: 60 s). */
#define SLUICE_FRAGMENT_S 60
#define SLUICE_FRAGMENTS_DEFAULT 16384

/* Capacity for the source prefixes of all services together. */
#define SLUICE_SOURCE_FILTERS_DEFAULT 65536

/*
 * ICMP errors for packets that are too big: rate and burst per CPU. The same as Linux's limit for
 * all ICMP (net.ipv4.icmp_msgs_per_sec, icmp_msgs_burst).
 */
#define SLUICE_REPORTS_PER_S 1000
#define SLUICE_REPORTS_BURST 50

/* At this rate the interval between two connections, 100 ns, is still exact to 1 %. */
#define SLUICE_CONNECTION_RATE_MAX 10000000

/* The burst of new connections: those that the rate allows in this time. */
#define SLUICE_ADMISSION_BURST_MS 100

/*
 * The burst of bytes from clients: what the rate allows in this time, and one packet of maximum
 * length. `pace` allows twice as much, so that it drops nothing that `steer` admitted.
 */
#define SLUICE_POLICING_BURST_MS 50
#define SLUICE_POLICING_BURST_BYTES 65536

/* Client weights, and the capacity for client prefixes of all services together. */
#define SLUICE_FLOW_WEIGHT_MAX 100
#define SLUICE_CLIENT_WEIGHTS_DEFAULT 65536

/* The most loss that can be injected. To test an outage, set a backend down. */
#define SLUICE_LOSS_PPM_MAX 500000

/* How long a next hop is cached, in jiffies: 0.25 to 2.5 s, depending on CONFIG_HZ. */
#define SLUICE_PATH_JIFFIES 250

/*
 * The buffer of congestion state changes holds about 1600 of them. A reader that has not renewed
 * its time for SLUICE_CONGESTION_WATCH_NS counts as gone.
 */
#define SLUICE_CONGESTION_EVENTS_BYTES 262144
#define SLUICE_CONGESTION_WATCH_NS 3000000000ull

/* A packet with more IPv6 extension headers passes as not for a service. */
#define SLUICE_IPV6_EXTENSIONS_MAX 6

#endif
