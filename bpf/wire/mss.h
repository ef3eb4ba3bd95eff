/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The service option mss: lowers the MSS option of a SYN or SYN-ACK (RFC 9293, 3.7.1), so that the
 * segments of both ends fit a path that is narrower than they know, such as a tunnel. It is never
 * raised. A segment without the option, with malformed options, or with a signature stays as it is.
 */
#ifndef SLUICE_WIRE_MSS_H
#define SLUICE_WIRE_MSS_H

#include "sluice/service.h"
#include "wire/headers.h"
#include "wire/segment.h"
#include "wire/segment_options.h"

/* The longest outer headers of the service's mode: the backend's family is not known here. */
static __always_inline __u32 mss_outer_bytes(const struct sluice_service_config *config)
{
	if (config->mode == SLUICE_MODE_IPIP)
		return sizeof(struct ipv6hdr);
	if (config->mode == SLUICE_MODE_GUE)
		return sizeof(struct ipv6hdr) + sizeof(struct udphdr) +
		       (config->options.gue_variant ? 0 : GUE_BYTES);
	return 0;
}

/*
 * What the option allows, without IP and TCP options, as the MSS is meant (RFC 6691). `mtu`: the
 * longest packet from its IP header on that fits the path, for SLUICE_MSS_AUTO; 0: unknown, and
 * nothing is lowered.
 */
static __always_inline __u32 mss_allowed(const struct sluice_service_config *config, __u32 mtu,
					 bool ipv6)
{
	__u32 headers = sizeof(struct tcphdr);

	if (config->options.mss != SLUICE_MSS_AUTO)
		return config->options.mss;
	if (!mtu)
		return 0xffff;
	headers += ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	return mtu > headers + SLUICE_MSS_MIN ? mtu - headers : SLUICE_MSS_MIN;
}

static __always_inline void mss_lower(void *ctx, const struct segment *segment, __u32 allowed)
{
	struct tcp_options options = {};

	if (!segment->syn || !segment_options(ctx, segment, &options) || options.is_signed ||
	    options.mss <= allowed)
		return;
	segment_replace(ctx, segment, sizeof(struct tcphdr) + options.mss_at, options.mss, allowed);
}

#endif
