/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet on the slow path, and what is known of it so far. The stages of the path are functions
 * that the verifier checks one by one, each for any context, and not once per path through all of
 * them. Therefore each stage checks that its context is not NULL, which it never is.
 */
#ifndef SLUICE_STEER_PACKET_CONTEXT_H
#define SLUICE_STEER_PACKET_CONTEXT_H

#include "maps/verdicts.h"
#include "sluice/flow.h"
#include "steer/service_prefix.h"
#include "wire/packet.h"

struct packet_context {
	struct packet packet;
	struct service service;
	struct sluice_flow translated_tuple; /* if translated */
	__u32 hash;			     /* of the flow */
	__u32 backend;
	bool translated;
	bool opened; /* the packet begins a connection */
};

/* In a per-CPU map, because the stack has only 512 bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct packet_context);
	__uint(max_entries, 1);
} packet_contexts SEC(".maps");

static __always_inline int context_drop(const struct packet_context *context,
					enum sluice_verdict verdict)
{
	count_verdict(context->service.number, verdict, context->packet.ip_bytes);
	return XDP_DROP;
}

#endif
