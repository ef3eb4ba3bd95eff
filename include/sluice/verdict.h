/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Verdict: the outcome of a packet. Each verdict has one number, one name, one action, one sentence
 * and one counter. This list is the only place; the enum, the counters' fields and the texts of the
 * command line expand from it.
 *
 *   X(NUMBER, NAME, name, ACTION, "sentence")
 *
 * NAME and name are the same word. NAME becomes SLUICE_VERDICT_NAME; name becomes the field of
 * struct sluice_verdict_counters, which `bpftool map dump` prints.
 *
 * NUMBER is the position of the counter in map `verdicts`. Numbers are part of the layout: append
 * new verdicts at the end with the next number, never renumber, never reuse a number. Two versions
 * then read each other's counters, and `sluice instance upgrade` keeps them.
 */
#ifndef SLUICE_VERDICT_H
#define SLUICE_VERDICT_H

#include <linux/types.h>

enum sluice_action {
	SLUICE_ACTION_PASS,    /* to the kernel's stack, unchanged */
	SLUICE_ACTION_FORWARD, /* out of a device */
	SLUICE_ACTION_PUNT,    /* changed, and out through the stack's neighbours and tc */
	SLUICE_ACTION_DROP,
};

#define SLUICE_VERDICTS(X)                                                                         \
	/* steer: not ours */                                                                      \
	X(0, NOT_IP, not_ip, PASS, "neither IPv4 nor IPv6")                                        \
	X(1, NOT_OURS, not_ours, PASS, "the destination is not a service")                         \
	X(2, MALFORMED, malformed, PASS, "a header is truncated or inconsistent")                  \
	X(3, FRAGMENT, fragment, PASS, "a later fragment without a first fragment before it")      \
	/* steer: forwarded */                                                                     \
	X(4, STEERED, steered, FORWARD, "encapsulated and sent to its backend")                    \
	X(5, TRANSLATED, translated, FORWARD, "translated and sent to its backend")                \
	X(6, REPLY_TRANSLATED, reply_translated, FORWARD,                                          \
	  "a reply, translated and sent to its client")                                            \
	X(7, ECHO_ANSWERED, echo_answered, FORWARD,                                                \
	  "an echo request to a service's address, answered")                                      \
	X(8, TOO_BIG_REPORTED, too_big_reported, FORWARD,                                          \
	  "too long for the next hop's MTU once encapsulated; an ICMP error was sent")             \
	X(9, NEIGHBOUR_UNKNOWN, neighbour_unknown, PUNT,                                           \
	  "the next hop's MAC is unknown; the stack resolves it and sends the packet")             \
	X(10, PUNTED_TO_PACE, punted_to_pace, PUNT,                                                \
	  "the service's policy acts in tc, so the stack sends it through there")                  \
	X(11, OTHER_DEVICE, other_device, PUNT,                                                    \
	  "the route leaves by a device without steer, so the stack sends it")                     \
	/* steer: dropped */                                                                       \
	X(12, NO_BACKEND, no_backend, DROP,                                                        \
	  "the service has no backend that takes new connections")                                 \
	X(13, BACKEND_DOWN, backend_down, DROP, "the backend of its connection is down")           \
	X(14, UNKNOWN_FLOW, unknown_flow, DROP,                                                    \
	  "mid-connection, and no translation is known for the connection")                        \
	X(15, PORTS_EXHAUSTED, ports_exhausted, DROP, "no free source port towards its backend")   \
	X(16, TABLE_FULL, table_full, DROP, "the table of translations is full")                   \
	X(17, NO_ROUTE, no_route, DROP, "the kernel has no route to the destination")              \
	X(18, FORWARDING_OFF, forwarding_off, DROP,                                                \
	  "the kernel forwards nothing from this device (net.ipv4.conf.DEV.forwarding, "           \
	  "net.ipv6.conf.DEV.forwarding)")                                                         \
	X(19, TTL_EXPIRED, ttl_expired, DROP, "TTL or hop limit exceeded")                         \
	X(20, TOO_BIG, too_big, DROP,                                                              \
	  "too long for the next hop's MTU, and the limit of ICMP errors was reached")             \
	X(21, SOURCE_DENIED, source_denied, DROP, "the service's filters deny the source")         \
	X(22, CONNECTION_RATE, connection_rate, DROP,                                              \
	  "a new connection above the policy's connection rate")                                   \
	X(23, INGRESS_RATE, ingress_rate, DROP, "above the policy's ingress rate")                 \
	X(24, NO_ROOM, no_room, DROP, "not enough headroom for the outer header")                  \
	/* decap */                                                                                \
	X(25, DECAPSULATED, decapsulated, PASS, "the outer header was removed")                    \
	X(26, NOT_ENCAPSULATED, not_encapsulated, PASS,                                            \
	  "not a tunnel packet for one of the services")                                           \
	/* punt */                                                                                 \
	X(27, PUNT_SENT, punt_sent, FORWARD,                                                       \
	  "a punted packet, sent through the stack's neighbours and tc")                           \
	X(28, PUNT_NO_ROUTE, punt_no_route, DROP, "a punted packet without a route in the kernel") \
	/* pace */                                                                                 \
	X(29, UNPACED, unpaced, PASS, "belongs to no service, or its service has no policy")       \
	X(30, PACED, paced, PASS, "given a departure time, or within its rate")                    \
	X(31, WINDOW_LOWERED, window_lowered, PASS,                                                \
	  "its advertised window was lowered to the policy limit")                                 \
	X(32, MARKED, marked, PASS,                                                                \
	  "ECN-marked, for it would have to wait too long for its departure")                      \
	X(33, INJECTED_MARK, injected_mark, PASS, "ECN-marked by the policy's impairment")         \
	X(34, INJECTED_LOSS, injected_loss, DROP, "dropped by the policy's impairment")            \
	X(35, HORIZON, horizon, DROP, "its departure time is beyond the horizon")                  \
	X(36, POLICED, policed, DROP,                                                              \
	  "beyond its policy's rate, on a device without fq, where it cannot wait")

/* Counters in each entry of map `verdicts`: room for verdicts of later versions. */
#define SLUICE_VERDICTS_MAX 64

enum sluice_verdict {
#define SLUICE_VERDICT_ENUM(NUMBER, NAME, name, action, sentence) SLUICE_VERDICT_##NAME = NUMBER,
	SLUICE_VERDICTS(SLUICE_VERDICT_ENUM)
#undef SLUICE_VERDICT_ENUM
		SLUICE_VERDICT_COUNT /* the verdicts that this version knows */
};

#endif
