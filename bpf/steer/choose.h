/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stages that choose the backend of a client's packet.
 */
#ifndef SLUICE_STEER_CHOOSE_H
#define SLUICE_STEER_CHOOSE_H

#include "maps/backends.h"
#include "steer/flow_table.h"
#include "steer/nat.h"
#include "steer/packet_context.h"
#include "steer/quic.h"
#include "steer/ring_lookup.h"

/* All modes but snat: the connection id, else the ring, or the flow tables if the slot moves. */
__noinline int choose_backend(struct xdp_md *ctx, struct packet_context *context)
{
	struct sluice_backend *record;
	struct ring_slot slot = {};
	struct packet *packet;
	__u32 backend = 0;

	if (!context)
		return SLUICE_VERDICT_NO_BACKEND;
	packet = &context->packet;
	if (!ring_pick(context->service.number, context->hash, &slot))
		return SLUICE_VERDICT_NO_BACKEND;
	if (context->service.flags & SLUICE_SERVICE_QUIC && packet->l4_proto == IPPROTO_UDP)
		backend = quic_backend(ctx, packet, context->service.number);
	if (!backend)
		backend = slot.moving ? flow_backend(packet, &slot) : slot.backend;
	context->backend = backend;
	context->opened = packet->opens && !packet->datagram;
	record = bpf_map_lookup_elem(&backends, &backend);
	if (record && record->mode == SLUICE_MODE_NAT) {
		context->translated_tuple = nat_stateless(packet, record);
		context->translated = true;
	}
	return UNDECIDED;
}

/* Mode snat: the translation, known or created now, names the backend. */
__noinline int choose_translation(struct packet_context *context)
{
	__u32 zero = 0;
	struct nat_search *search = bpf_map_lookup_elem(&nat_searches, &zero);
	struct ring_slot slot = {};
	enum sluice_verdict verdict;

	if (!context || !search) /* never */
		return SLUICE_VERDICT_TABLE_FULL;
	if (!ring_pick(context->service.number, context->hash, &slot))
		return SLUICE_VERDICT_NO_BACKEND;
	verdict = nat_forward(&context->packet, context->service.number, slot.backend,
			      context->hash, &context->opened, search);
	context->backend = search->translation.backend;
	context->translated_tuple = search->translation.translated_tuple;
	context->translated = true;
	return verdict;
}

#endif
