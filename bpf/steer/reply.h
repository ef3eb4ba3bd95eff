/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stages of a reply from a backend of mode snat or nat to its client.
 */
#ifndef SLUICE_STEER_REPLY_H
#define SLUICE_STEER_REPLY_H

#include "maps/backends.h"
#include "maps/policies.h"
#include "steer/forward.h"

/* Learns from a reply that leaves by XDP, and so does not pass `pace`. Always 0. */
__noinline int reply_learn_window(struct xdp_md *ctx, struct packet_context *context)
{
	if (context)
		window_ceiling_from_server(ctx, &context->packet, &context->translated_tuple);
	return 0;
}

/* To the client, from the service's address. */
__noinline int reply_to_client(struct xdp_md *ctx, struct packet_context *context)
{
	const struct sluice_outer nothing = {};
	enum sluice_verdict punt = UNDECIDED;
	const struct sluice_policy *policy;
	const struct sluice_flow *translated_tuple;
	const struct packet *packet;
	enum sluice_verdict verdict;
	struct nexthop nexthop = {};
	__u32 service;
	int action;

	if (!context)
		return XDP_DROP;
	packet = &context->packet;
	translated_tuple = &context->translated_tuple;
	service = context->service.number;
	context->translated = true;
	verdict = nexthop_ask(ctx, address_high(&translated_tuple->source),
			      address_low(&translated_tuple->source),
			      address_high(&translated_tuple->destination),
			      address_low(&translated_tuple->destination), &nexthop);
	/* The client is this host itself, for example a health check. */
	if (nexthop.stays && context->service.flags & SLUICE_SERVICE_NAT_REPLIES)
		return transmit_pass(packet->ip_bytes, SLUICE_VERDICT_NOT_OURS);
	if (!nexthop_leads_out(verdict))
		return context_drop(context, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > nexthop.mtu)
		return report_too_big(ctx, context, nexthop.mtu);
	if (!encap_has_ttl(ctx, packet->l3_offset, packet->v6))
		return context_drop(context, SLUICE_VERDICT_TTL_EXPIRED);
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		fragment_track(packet, service, 0, true, translated_tuple);
	policy = policy_find(service);
	if (policy_is_paced(policy))
		punt = SLUICE_VERDICT_PUNTED_TO_PACE;
	else if (verdict == UNDECIDED && nexthop.punt)
		punt = SLUICE_VERDICT_OTHER_DEVICE;
	else if (verdict == UNDECIDED && policy_lowers_windows(policy))
		reply_learn_window(ctx, context);
	if (packet->answers)
		forward_lower_mss(ctx, context, true);
	if (measure_wanted(service))
		forward_measure(ctx, context, true);
	if (!encap_spend_ttl(ctx, packet->l3_offset, packet->v6) ||
	    !forward_rewrite(ctx, context) ||
	    !encap_push(ctx, &nothing, nexthop.macs, packet->l3_offset - sizeof(struct ethhdr),
			packet->v6, packet->ip_bytes, 0))
		return context_drop(context, SLUICE_VERDICT_NO_ROOM);
	if (punt != UNDECIDED)
		verdict = punt;
	if (verdict != UNDECIDED)
		return transmit_punt(ctx, packet->ip_bytes, service, verdict, 0);
	action = transmit_frame(ctx, nexthop.ifindex, packet->ip_bytes, service, 0);
	if (action != XDP_PASS)
		count_verdict(service, SLUICE_VERDICT_REPLY_TRANSLATED, packet->ip_bytes);
	return action;
}

/* A reply of mode snat or nat: finds its service and its translated tuple. */
__noinline int reply_from_backend(struct xdp_md *ctx, struct packet_context *context)
{
	struct sluice_translation translation = {};
	struct sluice_backend *record;
	__u32 backend;

	if (!context)
		return XDP_DROP;
	if (context->service.flags & SLUICE_SERVICE_REPLIES) {
		if (!nat_reply(&context->packet, &translation))
			return transmit_pass(context->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
		context->backend = translation.backend;
		context->service.number = translation.service;
		context->translated_tuple = translation.translated_tuple;
	} else {
		backend = context->service.salt;
		record = bpf_map_lookup_elem(&backends, &backend);
		if (!record || record->mode != SLUICE_MODE_NAT)
			return transmit_pass(context->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
		context->backend = backend;
		context->service.number = record->service;
		context->translated_tuple = nat_stateless_reply(&context->packet, record);
	}
	return reply_to_client(ctx, context);
}

#endif
