/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stage of a fragment without ports, in place of all stages between parser and forwarding.
 */
#ifndef SLUICE_STEER_LATER_FRAGMENT_H
#define SLUICE_STEER_LATER_FRAGMENT_H

#include "steer/admit.h"
#include "steer/forward.h"
#include "steer/fragment.h"
#include "steer/reply.h"

/* Takes the path of the first fragment. */
__noinline int later_fragment_forward(struct xdp_md *ctx, struct packet_context *context)
{
	struct sluice_fragment *fragment;

	if (!context)
		return XDP_DROP;
	fragment = fragment_find(&context->packet);
	if (!fragment)
		return transmit_pass(context->packet.ip_bytes, SLUICE_VERDICT_FRAGMENT);
	context->translated_tuple.source = fragment->source;
	context->translated_tuple.destination = fragment->destination;
	context->service.number = fragment->service;
	context->backend = fragment->backend;
	context->translated = fragment->translated;
	if (!context->backend)
		return reply_to_client(ctx, context);
	if (!admit_bytes(context->service.number,
			 context->packet.l3_offset + context->packet.ip_bytes))
		return context_drop(context, SLUICE_VERDICT_INGRESS_RATE);
	return forward_to_backend(ctx, context);
}

#endif
