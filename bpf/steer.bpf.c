// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * steer, at XDP of a director's devices: finds the service of a packet and the backend of its
 * connection, and sends the packet there. A packet that is not for a service passes untouched. A
 * packet that is dropped is counted under a verdict.
 *
 *	program		stages (headers in steer/)
 *	steer		fast_path -> service_lookup -> ring_lookup -> encap -> transmit
 *	steer_slow	packet -> service_match -> admit
 *			-> choose (quic, ring_lookup, flow_table, nat)
 *			-> forward (nexthop, measure, rewrite, encap) -> transmit
 *			replies: reply; fragments without ports: later_fragment; echo: report
 *
 * steer is the fast path, for settled connections of services without options that need more.
 * Nearly every packet is one. All others go to steer_slow by a tail call, unchanged. A settled
 * connection has no table entry: its hash always gives the same backend (pure/tracking.h).
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/backend_paths.h"
#include "maps/configuration.h"
#include "maps/verdicts.h"
#include "steer/admit.h"
#include "steer/choose.h"
#include "steer/fast_path.h"
#include "steer/forward.h"
#include "steer/later_fragment.h"
#include "steer/packet_context.h"
#include "steer/reply.h"
#include "steer/report.h"
#include "steer/ring_lookup.h"
#include "steer/service_match.h"
#include "steer/transmit.h"
#include "wire/encap.h"
#include "wire/packet.h"

/* UNDECIDED, or the verdict under which the packet passes. The same for the next stage. */
__noinline int slow_path_parse(struct xdp_md *ctx, struct packet_context *context)
{
	return context ? packet_parse(&context->packet, ctx) : SLUICE_VERDICT_NOT_OURS;
}

__noinline int slow_path_match(struct packet_context *context)
{
	if (!context || !match_service(&context->packet, &context->service))
		return SLUICE_VERDICT_NOT_OURS;
	return UNDECIDED;
}

/* UNDECIDED, or the verdict under which the packet is dropped. Apart to save steer_slow's stack. */
__noinline int slow_path_admit(struct packet_context *context)
{
	return context ? admit(&context->packet, &context->service) : SLUICE_VERDICT_SOURCE_DENIED;
}

SEC("xdp.frags")
int steer_slow(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct packet_context *context = bpf_map_lookup_elem(&packet_contexts, &zero);
	enum sluice_verdict verdict;

	if (!context) /* never */
		return XDP_DROP;
	__builtin_memset(context, 0, sizeof(*context));
	verdict = slow_path_parse(ctx, context);
	if (verdict == UNDECIDED && context->packet.kind == PACKET_LATER_FRAGMENT)
		return later_fragment_forward(ctx, context);
	if (verdict == UNDECIDED)
		verdict = slow_path_match(context);
	if (verdict != UNDECIDED)
		return transmit_pass(context->packet.ip_bytes, verdict);
	if (context->service.flags & SLUICE_SERVICE_ADDRESS)
		return report_echo(ctx, context);
	if (context->service.flags & (SLUICE_SERVICE_REPLIES | SLUICE_SERVICE_NAT_REPLIES))
		return reply_from_backend(ctx, context);
	verdict = slow_path_admit(context);
	if (verdict == UNDECIDED) {
		context->hash = ring_flow_hash(&context->packet, &context->service);
		verdict = context->service.flags & SLUICE_SERVICE_TRANSLATED
				  ? choose_translation(context)
				  : choose_backend(ctx, context);
	}
	if (verdict != UNDECIDED)
		return context_drop(context, verdict);
	return forward_to_backend(ctx, context);
}

enum tail_call {
	TAIL_CALL_SLOW_PATH,
	TAIL_CALL_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, TAIL_CALL_COUNT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, int(struct xdp_md *));
} tail_calls SEC(".maps") = {
	.values = {[TAIL_CALL_SLOW_PATH] = (void *)&steer_slow},
};

/* Compiled once per family. FAST_PATH_HIT sets `action`. Otherwise the packet is unchanged. */
static __always_inline enum fast_path_answer steer_fast(struct xdp_md *ctx, void *ip, void *end,
							bool v6, int *action)
{
	const struct sluice_service_entry *service;
	struct sluice_backend_path *path;
	enum fast_path_answer answer;
	struct fast_path_packet packet;
	__u32 slot, hash;

	answer = v6 ? fast_path_parse_v6(&packet, ip, end) : fast_path_parse_v4(&packet, ip, end);
	if (answer != FAST_PATH_HIT)
		return answer;
	service = fast_path_service(&packet, ip, v6);
	if (!service)
		return address_filter.features ? FAST_PATH_MISS : FAST_PATH_PASS;
	if (service->flags & (SLUICE_SERVICE_SLOW_PATH | SLUICE_SERVICE_SLOW_PATH_OPENING) &&
	    (service->flags & SLUICE_SERVICE_SLOW_PATH || tcp_opens(packet.tcp_flags)))
		return FAST_PATH_MISS;
	if (service->flags & SLUICE_SERVICE_AFFINE)
		packet.ports = service->salt;
	hash = fast_path_flow_hash(ip, v6, packet.ports);
	slot = ring_first_column(ring_head(service->service), hash);
	/* An empty or moving slot is no backend number: it has no path, or never a fresh one. */
	path = bpf_map_lookup_elem(&backend_paths, &slot);
	if (!path || bpf_jiffies64() >= path->fast_path_until_jiffies ||
	    packet.ip_bytes > path->mtu)
		return FAST_PATH_MISS;
	path->packets++;
	path->bytes += packet.ip_bytes;
	if (tcp_opens(packet.tcp_flags))
		path->connections++;
	*action = XDP_DROP;
	encap_take_ttl(ip, v6);
	if (!encap_push(ctx, &path->outer, path->macs, 0, v6, packet.ip_bytes, hash))
		count_verdict(service->service, SLUICE_VERDICT_NO_ROOM, packet.ip_bytes);
	else
		*action = transmit_frame(ctx, path->ifindex, packet.ip_bytes, service->service,
					 path->outer.length ? 0 : slot);
	return FAST_PATH_HIT;
}

SEC("xdp.frags")
int steer(struct xdp_md *ctx)
{
	enum sluice_verdict verdict = SLUICE_VERDICT_NOT_OURS;
	enum fast_path_answer answer = FAST_PATH_PASS;
	void *data = frame_begin(ctx);
	void *end = frame_end(ctx);
	void *ip = data + sizeof(struct ethhdr);
	__be16 ethertype = 0;
	int action;

	if (ip <= end)
		ethertype = *(__be16 *)(data + offsetof(struct ethhdr, h_proto));
	if (ethertype == bpf_htons(ETH_P_IP))
		answer = steer_fast(ctx, ip, end, false, &action);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		answer = steer_fast(ctx, ip, end, true, &action);
	else if (ethertype_is_vlan(ethertype))
		answer = FAST_PATH_MISS;
	else
		verdict = SLUICE_VERDICT_NOT_IP;
	if (answer == FAST_PATH_HIT)
		return action;
	if (answer == FAST_PATH_PASS)
		return transmit_pass(ip <= end ? end - ip : 0, verdict);
	bpf_tail_call(ctx, &tail_calls, TAIL_CALL_SLOW_PATH);
	return XDP_DROP; /* never */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
