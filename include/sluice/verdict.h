/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What became of a packet: one name, one action, one sentence, one counter. The list is written
 * here once; the enum, the counters' fields and the texts that the CLI prints expand from it.
 *
 *   X(NAME, name, ACTION, "sentence")
 *
 * NAME and name are the same word; the first becomes SLUICE_VERDICT_NAME, the second the field
 * of struct sluice_verdict_counters, by which `bpftool map dump` shows it.
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
	X(NOT_IP, not_ip, PASS, "neither IPv4 nor IPv6")                                           \
	X(NOT_OURS, not_ours, PASS, "the destination is no service")                               \
	X(MALFORMED, malformed, PASS, "a header is cut off or contradicts itself")                 \
	X(FRAGMENT, fragment, PASS,                                                                \
	  "a later fragment of a packet whose first one did not come this way before it")          \
	/* steer: forwarded */                                                                     \
	X(STEERED, steered, FORWARD, "encapsulated and sent to its backend")                       \
	X(TRANSLATED, translated, FORWARD, "translated and sent to its backend")                   \
	X(REPLY_TRANSLATED, reply_translated, FORWARD, "a reply, translated back to its client")   \
	X(ECHO_ANSWERED, echo_answered, FORWARD,                                                   \
	  "an echo request to a service's address, answered")                                      \
	X(TOO_BIG_REPORTED, too_big_reported, FORWARD,                                             \
	  "longer than the next hop's MTU with the encapsulation on it; its sender was told")      \
	X(NEIGHBOUR_UNKNOWN, neighbour_unknown, PUNT,                                              \
	  "the next hop's MAC is not known yet; the stack resolves it with this packet")           \
	X(PUNTED_TO_PACE, punted_to_pace, PUNT,                                                    \
	  "its service has a policy, so it leaves through tc, where pace sees it")                 \
	X(OTHER_DEVICE, other_device, PUNT,                                                        \
	  "its way leads out of a device that steer is not attached to, so the stack sends it")    \
	/* steer: dropped */                                                                       \
	X(NO_BACKEND, no_backend, DROP, "the service has no backend that takes new connections")   \
	X(BACKEND_DOWN, backend_down, DROP, "the backend of its connection is down")               \
	X(UNKNOWN_FLOW, unknown_flow, DROP,                                                        \
	  "in mid-connection, and no translation of its connection is known")                      \
	X(PORTS_EXHAUSTED, ports_exhausted, DROP,                                                  \
	  "no free source port towards its backend was found")                                     \
	X(TABLE_FULL, table_full, DROP, "the table of translations took no further entry")         \
	X(NO_ROUTE, no_route, DROP, "the kernel has no route to where it should go")               \
	X(FORWARDING_OFF, forwarding_off, DROP,                                                    \
	  "the kernel forwards nothing from this device (net.ipv4.conf.DEV.forwarding, "           \
	  "net.ipv6.conf.DEV.forwarding)")                                                         \
	X(TTL_EXPIRED, ttl_expired, DROP, "TTL or hop limit was used up")                          \
	X(TOO_BIG, too_big, DROP,                                                                  \
	  "longer than the next hop's MTU, and its sender was told often enough already")          \
	X(SOURCE_DENIED, source_denied, DROP, "its source is not allowed to use the service")      \
	X(CONNECTION_RATE, connection_rate, DROP,                                                  \
	  "a new connection beyond what the service's policy allows a second")                     \
	X(INGRESS_RATE, ingress_rate, DROP,                                                        \
	  "beyond the rate that the service's policy has for what clients send")                   \
	X(NO_ROOM, no_room, DROP, "the driver left no room for another header")                    \
	/* decap */                                                                                \
	X(DECAPSULATED, decapsulated, PASS, "the outer header was taken off")                      \
	X(NOT_ENCAPSULATED, not_encapsulated, PASS, "no tunnel packet for one of our services")    \
	/* punt */                                                                                 \
	X(PUNT_SENT, punt_sent, FORWARD, "sent on through the stack's neighbours and tc")          \
	X(PUNT_NO_ROUTE, punt_no_route, DROP, "punted, and then the kernel had no route for it")   \
	/* pace */                                                                                 \
	X(UNPACED, unpaced, PASS, "its service has no policy, or it belongs to none")              \
	X(PACED, paced, PASS, "given a departure time, or found in time")                          \
	X(WINDOW_LOWERED, window_lowered, PASS, "its advertised window was lowered to the policy") \
	X(MARKED, marked, PASS,                                                                    \
	  "ECN-marked, for it would have to wait too long for its departure")                      \
	X(INJECTED_MARK, injected_mark, PASS,                                                      \
	  "ECN-marked by choice, as its service's policy has it")                                  \
	X(INJECTED_LOSS, injected_loss, DROP, "dropped by choice, as its service's policy has it") \
	X(HORIZON, horizon, DROP, "it would depart too far in the future")                         \
	X(POLICED, policed, DROP,                                                                  \
	  "beyond its policy's rate, on a device without fq, where it cannot wait")

enum sluice_verdict {
#define SLUICE_VERDICT_ENUM(NAME, name, action, sentence) SLUICE_VERDICT_##NAME,
	SLUICE_VERDICTS(SLUICE_VERDICT_ENUM)
#undef SLUICE_VERDICT_ENUM
		SLUICE_VERDICT_COUNT
};

#endif
