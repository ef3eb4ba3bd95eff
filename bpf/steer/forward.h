/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The last stage of a packet to a backend: checks, headers, transmission.
 */
#ifndef SLUICE_STEER_FORWARD_H
#define SLUICE_STEER_FORWARD_H

#include "maps/backends.h"
#include "maps/service_configs.h"
#include "steer/fragment.h"
#include "steer/measure.h"
#include "steer/nat.h"
#include "steer/nexthop.h"
#include "steer/packet_context.h"
#include "steer/report.h"
#include "steer/transmit.h"
#include "steer/window_ceiling.h"
#include "wire/encap.h"
#include "wire/mss.h"
#include "wire/rewrite.h"
#include "wire/xdp_segment.h"

/* False: a header lies beyond the first buffer. */
__noinline int forward_rewrite(struct xdp_md *ctx, struct packet_context *context)
{
	return context && (!context->translated ||
			   rewrite_packet(ctx, &context->packet, &context->translated_tuple));
}

/* Lowers the advertised window of a client's packet. Always 0. */
__noinline int forward_lower_window(struct xdp_md *ctx, struct packet_context *context)
{
	if (context)
		window_ceiling_from_client(ctx, &context->packet, context->service.number);
	return 0;
}

/*
 * The longest packet that fits the path to the backend, before encapsulation, and in a reply the
 * path to the client as well. 0: neither is known. The cached paths do not answer this: they are
 * per CPU, and empty until the neighbour is known.
 */
__noinline int forward_mtu(struct xdp_md *ctx, struct packet_context *context, bool to_client)
{
	const struct sluice_backend *record;
	const struct sluice_flow *tuple;
	__u32 backend, mtu = 0, client_mtu;

	if (!context)
		return 0;
	backend = context->backend;
	record = bpf_map_lookup_elem(&backends, &backend);
	if (record)
		mtu = nexthop_backend_mtu(ctx, record);
	if (!to_client)
		return mtu;
	tuple = &context->translated_tuple;
	client_mtu =
		nexthop_mtu(ctx, address_high(&tuple->source), address_low(&tuple->source),
			    address_high(&tuple->destination), address_low(&tuple->destination));
	return client_mtu && (!mtu || client_mtu < mtu) ? client_mtu : mtu;
}

/* Of a SYN to the backend, or of a SYN-ACK to the client. Always 0. */
__noinline int forward_lower_mss(struct xdp_md *ctx, struct packet_context *context, bool to_client)
{
	const struct sluice_service_config *config;
	struct segment segment = {};
	struct frame frame;
	__u32 mtu = 0;

	if (!context)
		return 0;
	config = service_config_find(context->service.number);
	if (!config || !config->options.mss || !packet_segment(ctx, &context->packet, &segment))
		return 0;
	if (config->options.mss == SLUICE_MSS_AUTO)
		mtu = forward_mtu(ctx, context, to_client);
	frame = (struct frame){.ctx = ctx, .packet = &context->packet};
	mss_lower(&frame, &segment, mss_allowed(config, mtu, segment.ipv6));
	return 0;
}

/* Called before anything of the packet changes, and only if it will be forwarded. Always 0. */
__noinline int forward_measure(struct xdp_md *ctx, struct packet_context *context, bool to_client)
{
	struct segment segment;
	struct sluice_flow flow;

	if (!context || !packet_segment(ctx, &context->packet, &segment))
		return 0;
	if (to_client) {
		flow = flow_reverse(&context->translated_tuple);
		measure_to_client(&flow, &segment);
	} else {
		flow = packet_flow(&context->packet);
		measure_to_backend(&flow, &segment, context->backend, !context->translated);
	}
	return 0;
}

/* To the chosen backend, in all modes. Changes nothing before the packet can leave. */
__noinline int forward_to_backend(struct xdp_md *ctx, struct packet_context *context)
{
	struct sluice_backend_path *path;
	struct sluice_backend *record;
	const struct packet *packet;
	enum sluice_verdict verdict;
	__u32 backend;

	if (!context)
		return XDP_DROP;
	packet = &context->packet;
	backend = context->backend;
	record = bpf_map_lookup_elem(&backends, &backend);
	path = bpf_map_lookup_elem(&backend_paths, &backend);
	if (!backend || !record || !path)
		return context_drop(context, SLUICE_VERDICT_NO_BACKEND);
	if (record->state == SLUICE_BACKEND_DOWN)
		return context_drop(context, SLUICE_VERDICT_BACKEND_DOWN);
	verdict = nexthop_backend(ctx, record, path);
	if (!nexthop_leads_out(verdict))
		return context_drop(context, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > path->mtu)
		return report_too_big(ctx, context, path->mtu);
	if (!encap_has_ttl(ctx, packet->l3_offset, packet->v6))
		return context_drop(context, SLUICE_VERDICT_TTL_EXPIRED);
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		fragment_track(packet, context->service.number, backend, context->translated,
			       &context->translated_tuple);
	if (context->service.flags & SLUICE_SERVICE_WINDOWED)
		forward_lower_window(ctx, context);
	if (context->service.flags & SLUICE_SERVICE_MSS && packet->opens)
		forward_lower_mss(ctx, context, false);
	if (measure_wanted(context->service.number))
		forward_measure(ctx, context, false);
	if (!encap_spend_ttl(ctx, packet->l3_offset, packet->v6) ||
	    !forward_rewrite(ctx, context) ||
	    !encap_push(ctx, &record->outer, path->macs, packet->l3_offset - sizeof(struct ethhdr),
			packet->v6, packet->ip_bytes, context->hash))
		return context_drop(context, SLUICE_VERDICT_NO_ROOM);
	path->connections += context->opened;
	path->packets++;
	path->bytes += packet->ip_bytes;
	if (verdict == UNDECIDED && path->punt)
		verdict = SLUICE_VERDICT_OTHER_DEVICE;
	if (record->mode != SLUICE_MODE_L2)
		backend = 0;
	if (verdict != UNDECIDED)
		return transmit_punt(ctx, packet->ip_bytes, context->service.number, verdict,
				     backend);
	return transmit_frame(ctx, path->ifindex, packet->ip_bytes, context->service.number,
			      backend);
}

#endif
