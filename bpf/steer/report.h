/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The stages that answer a packet's sender by ICMP (steer/icmp.h).
 */
#ifndef SLUICE_STEER_REPORT_H
#define SLUICE_STEER_REPORT_H

#include "steer/icmp.h"
#include "steer/packet_context.h"
#include "steer/transmit.h"

/* The packet exceeds the MTU of its path: reports that to its sender, within the rate limit. */
__noinline int report_too_big(struct xdp_md *ctx, struct packet_context *context, __u32 mtu)
{
	const struct packet *packet;

	if (!context)
		return XDP_DROP;
	packet = &context->packet;
	if ((packet->kind != PACKET_WHOLE && packet->kind != PACKET_FIRST_FRAGMENT) ||
	    !icmp_may_report() || !icmp_report_too_big(ctx, packet, mtu))
		return context_drop(context, SLUICE_VERDICT_TOO_BIG);
	count_verdict(context->service.number, SLUICE_VERDICT_TOO_BIG_REPORTED, packet->ip_bytes);
	return XDP_TX;
}

/* Answers an echo request for a service's address. */
__noinline int report_echo(struct xdp_md *ctx, struct packet_context *context)
{
	if (!context)
		return XDP_DROP;
	if (context->packet.kind != PACKET_ECHO)
		return transmit_pass(context->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
	if (!icmp_answer_echo(ctx, &context->packet))
		return context_drop(context, SLUICE_VERDICT_NO_ROOM);
	count_verdict(0, SLUICE_VERDICT_ECHO_ANSWERED, context->packet.ip_bytes);
	return XDP_TX;
}

#endif
