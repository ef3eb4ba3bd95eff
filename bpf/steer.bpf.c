// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * steer, at XDP of a director's devices: finds the service of a packet, the backend of its
 * connection, and sends it there. The packet's way is this file read from the end; each room on it
 * is one header in steer/. What is not ours passes untouched; what is dropped has a verdict.
 *
 *	steer	   plain -> service -> ring -> encap			the short way
 *	steer_slow  packet -> lookup -> admit -> ring [-> quic | flow]	the long way
 *		   -> nexthop -> encap | nat | icmp -> conclude
 *
 * The short way is for settled connections of plain services, which is nearly every packet there
 * is; whatever it has no answer for goes the long way, untouched. A settled connection touches no
 * table of connections: its hash is its memory (DESIGN, "Just enough tracking"; steer/flow.h).
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "steer/packet.h"
#include "steer/service.h"
#include "steer/lookup.h"
#include "steer/ring.h"
#include "steer/measure.h"
#include "steer/nexthop.h"
#include "steer/fast_path.h"
#include "steer/admit.h"
#include "steer/flow.h"
#include "steer/fragment.h"
#include "steer/quic.h"
#include "steer/encap.h"
#include "steer/nat.h"
#include "steer/icmp.h"
#include "steer/window.h"
#include "steer/transmit.h"
#include "maps/policies.h"
#include "maps/configuration.h"

/*
 * A packet on its long way, and what was found out about it so far. The stretches of that way are
 * functions that the verifier looks at one by one, each for whatever context it may be given.
 */
struct packet_context {
	struct packet packet;
	struct service service;
	struct sluice_flow translated_tuple; /* where it is translated */
	__u32 hash;
	__u32 backend;
	bool translated;
	bool opened; /* a connection */
};

/* One at a time on each CPU; on the stack it would leave too little of its 512 bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct packet_context);
	__uint(max_entries, 1);
} packet_contexts SEC(".maps");

static __always_inline int steer_drop(const struct packet_context *context,
				      enum sluice_verdict verdict)
{
	count_verdict(context->service.number, verdict, context->packet.ip_bytes);
	return XDP_DROP;
}

/* The answers of these two: UNDECIDED, or why the packet passes. */
__noinline int steer_parse(struct xdp_md *ctx, struct packet_context *context)
{
	return context ? packet_parse(&context->packet, ctx) : SLUICE_VERDICT_NOT_OURS;
}

__noinline int steer_lookup(struct packet_context *context)
{
	if (!context || !lookup_service(&context->packet, &context->service))
		return SLUICE_VERDICT_NOT_OURS;
	return UNDECIDED;
}

/* Longer than its way allows: its sender is told, as often as it may be. */
__noinline int steer_too_big(struct xdp_md *ctx, struct packet_context *context, __u32 mtu)
{
	const struct packet *packet;

	if (!context)
		return XDP_DROP;
	packet = &context->packet;
	if ((packet->kind != PACKET_WHOLE && packet->kind != PACKET_FIRST_FRAGMENT) ||
	    !icmp_may_report() || !icmp_report_too_big(ctx, packet, mtu))
		return steer_drop(context, SLUICE_VERDICT_TOO_BIG);
	count_verdict(context->service.number, SLUICE_VERDICT_TOO_BIG_REPORTED, packet->ip_bytes);
	return XDP_TX;
}

/* False: the packet is not what it was parsed as. */
__noinline int steer_rewrite(struct xdp_md *ctx, struct packet_context *context)
{
	return context && (!context->translated ||
			   nat_rewrite(ctx, &context->packet, &context->translated_tuple));
}

/* A ceiling on what its server may send, in what its client sends. Always 0: it decides nothing. */
__noinline int steer_lower_window(struct xdp_md *ctx, struct packet_context *context)
{
	if (context)
		window_to_service(ctx, &context->packet, context->service.number);
	return 0;
}

/* A reply that leaves from here, by XDP. */
__noinline int steer_note_reply(struct xdp_md *ctx, struct packet_context *context)
{
	if (context)
		window_to_client(ctx, &context->packet, &context->translated_tuple);
	return 0;
}

/* Only ever of a packet that goes on, before anything of it changes. */
__noinline int steer_measure(struct xdp_md *ctx, struct packet_context *context, bool to_client)
{
	struct measure_segment segment;
	struct sluice_flow flow;

	if (!context || !measure_read(ctx, &context->packet, &segment))
		return 0;
	if (to_client) {
		flow = nat_reverse(&context->translated_tuple);
		measure_to_client(&flow, &segment);
	} else {
		flow = packet_flow(&context->packet);
		measure_to_backend(&flow, &segment, context->backend, !context->translated);
	}
	return 0;
}

/* The last stretch to a backend, for all modes. Nothing changes before the packet can leave. */
__noinline int steer_to_backend(struct xdp_md *ctx, struct packet_context *context)
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
		return steer_drop(context, SLUICE_VERDICT_NO_BACKEND);
	if (record->state == SLUICE_BACKEND_DOWN)
		return steer_drop(context, SLUICE_VERDICT_BACKEND_DOWN);
	verdict = nexthop_backend(ctx, record, path);
	if (!nexthop_leads_out(verdict))
		return steer_drop(context, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > path->mtu)
		return steer_too_big(ctx, context, path->mtu);
	if (!encap_has_ttl(ctx, packet->l3_offset, packet->v6))
		return steer_drop(context, SLUICE_VERDICT_TTL_EXPIRED);
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		fragment_track(packet, context->service.number, backend, context->translated,
			       &context->translated_tuple);
	if (context->service.flags & SLUICE_SERVICE_WINDOWED)
		steer_lower_window(ctx, context);
	if (measure_wanted(context->service.number))
		steer_measure(ctx, context, false);
	if (!encap_spend_ttl(ctx, packet->l3_offset, packet->v6) || !steer_rewrite(ctx, context) ||
	    !encap_push(ctx, &record->outer, path->macs, packet->l3_offset - sizeof(struct ethhdr),
			packet->v6, packet->ip_bytes, context->hash))
		return steer_drop(context, SLUICE_VERDICT_NO_ROOM);
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

/* The last stretch of a reply, back to its client from the address that the client knows. */
__noinline int steer_to_client(struct xdp_md *ctx, struct packet_context *context)
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
	/* This host asked a backend itself: a health check, or somebody who looks after it. */
	if (nexthop.stays && context->service.flags & SLUICE_SERVICE_NAT_REPLIES)
		return transmit_pass(packet->ip_bytes, SLUICE_VERDICT_NOT_OURS);
	if (!nexthop_leads_out(verdict))
		return steer_drop(context, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > nexthop.mtu)
		return steer_too_big(ctx, context, nexthop.mtu);
	if (!encap_has_ttl(ctx, packet->l3_offset, packet->v6))
		return steer_drop(context, SLUICE_VERDICT_TTL_EXPIRED);
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		fragment_track(packet, service, 0, true, translated_tuple);
	policy = policy_find(service);
	if (policy_is_paced(policy))
		punt = SLUICE_VERDICT_PUNTED_TO_PACE;
	else if (verdict == UNDECIDED && nexthop.punt)
		punt = SLUICE_VERDICT_OTHER_DEVICE;
	else if (verdict == UNDECIDED && policy_lowers_windows(policy))
		steer_note_reply(ctx, context);
	if (measure_wanted(service))
		steer_measure(ctx, context, true);
	if (!encap_spend_ttl(ctx, packet->l3_offset, packet->v6) || !steer_rewrite(ctx, context) ||
	    !encap_push(ctx, &nothing, nexthop.macs, packet->l3_offset - sizeof(struct ethhdr),
			packet->v6, packet->ip_bytes, 0))
		return steer_drop(context, SLUICE_VERDICT_NO_ROOM);
	if (punt != UNDECIDED)
		verdict = punt;
	if (verdict != UNDECIDED)
		return transmit_punt(ctx, packet->ip_bytes, service, verdict, 0);
	action = transmit_frame(ctx, nexthop.ifindex, packet->ip_bytes, service, 0);
	if (action != XDP_PASS)
		count_verdict(service, SLUICE_VERDICT_REPLY_TRANSLATED, packet->ip_bytes);
	return action;
}

/* Modes without state: a connection id, the ring or, while its slot moves, the flow table knows. */
__noinline int steer_choose(struct xdp_md *ctx, struct packet_context *context)
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

/* Mode snat, from the client: its translation, known or made now, names the backend. */
__noinline int steer_translate(struct packet_context *context)
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

/* From a backend of mode snat or nat; its client knows it by the service's address. */
__noinline int steer_reply(struct xdp_md *ctx, struct packet_context *context)
{
	struct sluice_translation translation = {};
	struct sluice_backend *record;
	__u32 backend;

	if (!context)
		return XDP_DROP;
	if (context->service.flags & SLUICE_SERVICE_REPLIES) {
		if (!nat_reply(&context->packet, &translation))
			return transmit_pass(context->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
		context->service.number = translation.service;
		context->translated_tuple = translation.translated_tuple;
	} else {
		backend = context->service.salt;
		record = bpf_map_lookup_elem(&backends, &backend);
		if (!record || record->mode != SLUICE_MODE_NAT)
			return transmit_pass(context->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
		context->service.number = record->service;
		context->translated_tuple = nat_stateless_reply(&context->packet, record);
	}
	return steer_to_client(ctx, context);
}

/* After its first one, wherever that went. */
__noinline int steer_later_fragment(struct xdp_md *ctx, struct packet_context *context)
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
		return steer_to_client(ctx, context);
	if (!admit_bytes(context->service.number,
			 context->packet.l3_offset + context->packet.ip_bytes))
		return steer_drop(context, SLUICE_VERDICT_INGRESS_RATE);
	return steer_to_backend(ctx, context);
}

/* Somebody asks whether the address is there: it is, as long as steer is. */
__noinline int steer_echo(struct xdp_md *ctx, struct packet_context *context)
{
	if (!context)
		return XDP_DROP;
	if (context->packet.kind != PACKET_ECHO)
		return transmit_pass(context->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
	if (!icmp_answer_echo(ctx, &context->packet))
		return steer_drop(context, SLUICE_VERDICT_NO_ROOM);
	count_verdict(0, SLUICE_VERDICT_ECHO_ANSWERED, context->packet.ip_bytes);
	return XDP_TX;
}

/* UNDECIDED, or why it may not use the service. A function for the sake of steer_slow's stack. */
__noinline int steer_admit(struct packet_context *context)
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
	verdict = steer_parse(ctx, context);
	if (verdict == UNDECIDED && context->packet.kind == PACKET_LATER_FRAGMENT)
		return steer_later_fragment(ctx, context);
	if (verdict == UNDECIDED)
		verdict = steer_lookup(context);
	if (verdict != UNDECIDED)
		return transmit_pass(context->packet.ip_bytes, verdict);
	if (context->service.flags & SLUICE_SERVICE_ADDRESS)
		return steer_echo(ctx, context);
	if (context->service.flags & (SLUICE_SERVICE_REPLIES | SLUICE_SERVICE_NAT_REPLIES))
		return steer_reply(ctx, context);
	verdict = steer_admit(context);
	if (verdict == UNDECIDED) {
		context->hash = ring_flow_hash(&context->packet, &context->service);
		verdict = context->service.flags & SLUICE_SERVICE_TRANSLATED
				  ? steer_translate(context)
				  : steer_choose(ctx, context);
	}
	if (verdict != UNDECIDED)
		return steer_drop(context, verdict);
	return steer_to_backend(ctx, context);
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

/*
 * The short way, once for each family. FAST_PATH_HIT: `action` is taken; otherwise nothing of the
 * packet was changed.
 */
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
	if (service->flags & SLUICE_SERVICE_SLOW_PATH)
		return FAST_PATH_MISS;
	if (service->flags & SLUICE_SERVICE_AFFINE)
		packet.ports = service->salt;
	hash = fast_path_flow_hash(ip, v6, packet.ports);
	slot = ring_first_column(ring_head(service->service), hash);
	/* No backend has number 0 or the bit of a moving slot: their paths never are fresh. */
	path = bpf_map_lookup_elem(&backend_paths, &slot);
	if (!path || bpf_jiffies64() >= path->fast_path_until_jiffies ||
	    packet.ip_bytes > path->mtu)
		return FAST_PATH_MISS;
	path->packets++;
	path->bytes += packet.ip_bytes;
	if (fast_path_opens(&packet))
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
	else if (packet_is_tagged(ethertype))
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
