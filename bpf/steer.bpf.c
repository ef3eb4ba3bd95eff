// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * steer, at XDP of a director's devices: finds the service of a packet, the backend of its
 * connection, and sends it there. The packet's way is this file read from the end; each room on it
 * is one header in steer/. What is not ours passes untouched; what is dropped has a verdict.
 *
 *	steer	   plain -> service -> ring -> encap			the short way
 *	steer_any  packet -> lookup -> admit -> ring [-> quic | flow]	the long way
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
#include "steer/plain.h"
#include "steer/admit.h"
#include "steer/flow.h"
#include "steer/fragment.h"
#include "steer/quic.h"
#include "steer/encap.h"
#include "steer/nat.h"
#include "steer/icmp.h"
#include "steer/window.h"
#include "steer/conclude.h"
#include "policy.h"
#include "configuration.h"

/*
 * A packet on its long way, and what was found out about it so far. The stretches of that way are
 * functions that the verifier looks at one by one, each for whatever journey it may be given.
 */
struct journey {
	struct packet packet;
	struct service service;
	struct sluice_flow leaves_as; /* where it is translated */
	__u32 hash;
	__u32 backend;
	bool translated;
	bool opened; /* a connection */
};

/* One at a time on each CPU; on the stack it would leave too little of its 512 bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct journey);
	__uint(max_entries, 1);
} journeys SEC(".maps");

static __always_inline int steer_drop(const struct journey *journey, enum sluice_verdict verdict)
{
	count_verdict(journey->service.number, verdict, journey->packet.ip_bytes);
	return XDP_DROP;
}

/* The answers of these two: UNDECIDED, or why the packet passes. */
__noinline int steer_parse(struct xdp_md *ctx, struct journey *journey)
{
	return journey ? packet_parse(&journey->packet, ctx) : SLUICE_VERDICT_NOT_OURS;
}

__noinline int steer_lookup(struct journey *journey)
{
	if (!journey || !lookup_service(&journey->packet, &journey->service))
		return SLUICE_VERDICT_NOT_OURS;
	return UNDECIDED;
}

/* Longer than its way allows: its sender is told, as often as it may be. */
__noinline int steer_too_big(struct xdp_md *ctx, struct journey *journey, __u32 mtu)
{
	const struct packet *packet;

	if (!journey)
		return XDP_DROP;
	packet = &journey->packet;
	if ((packet->kind != PACKET_WHOLE && packet->kind != PACKET_FIRST_FRAGMENT) ||
	    !icmp_may_report() || !icmp_report_too_big(ctx, packet, mtu))
		return steer_drop(journey, SLUICE_VERDICT_TOO_BIG);
	count_verdict(journey->service.number, SLUICE_VERDICT_TOO_BIG_REPORTED, packet->ip_bytes);
	return XDP_TX;
}

/* False: the packet is not what it was parsed as. */
__noinline int steer_rewrite(struct xdp_md *ctx, struct journey *journey)
{
	return journey &&
	       (!journey->translated || nat_rewrite(ctx, &journey->packet, &journey->leaves_as));
}

/* A ceiling on what its server may send, in what its client sends. Always 0: it decides nothing. */
__noinline int steer_lower_window(struct xdp_md *ctx, struct journey *journey)
{
	if (journey)
		window_to_service(ctx, &journey->packet, journey->service.number);
	return 0;
}

/* A reply that leaves from here, by XDP. */
__noinline int steer_note_reply(struct xdp_md *ctx, struct journey *journey)
{
	if (journey)
		window_to_client(ctx, &journey->packet, &journey->leaves_as);
	return 0;
}

/* Only ever of a packet that goes on, before anything of it changes. */
__noinline int steer_measure(struct xdp_md *ctx, struct journey *journey, bool to_client)
{
	struct measure_segment segment;
	struct sluice_flow flow;

	if (!journey || !measure_read(ctx, &journey->packet, &segment))
		return 0;
	if (to_client) {
		flow = nat_reverse(&journey->leaves_as);
		measure_to_client(&flow, &segment);
	} else {
		flow = packet_flow(&journey->packet);
		measure_to_backend(&flow, &segment, journey->backend, !journey->translated);
	}
	return 0;
}

/* The last stretch to a backend, for all modes. Nothing changes before the packet can leave. */
__noinline int steer_to_backend(struct xdp_md *ctx, struct journey *journey)
{
	struct sluice_backend_path *path;
	struct sluice_backend *record;
	const struct packet *packet;
	enum sluice_verdict verdict;
	__u32 backend;

	if (!journey)
		return XDP_DROP;
	packet = &journey->packet;
	backend = journey->backend;
	record = bpf_map_lookup_elem(&backends, &backend);
	path = bpf_map_lookup_elem(&backend_paths, &backend);
	if (!backend || !record || !path)
		return steer_drop(journey, SLUICE_VERDICT_NO_BACKEND);
	if (record->state == SLUICE_BACKEND_DOWN)
		return steer_drop(journey, SLUICE_VERDICT_BACKEND_DOWN);
	verdict = nexthop_backend(ctx, record, path);
	if (!nexthop_leads_out(verdict))
		return steer_drop(journey, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > path->mtu)
		return steer_too_big(ctx, journey, path->mtu);
	if (!encap_has_ttl(ctx, packet->l3_offset, packet->v6))
		return steer_drop(journey, SLUICE_VERDICT_TTL_EXPIRED);
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		fragment_remember(packet, journey->service.number, backend, journey->translated,
				  &journey->leaves_as);
	if (journey->service.flags & SLUICE_SERVICE_WINDOWED)
		steer_lower_window(ctx, journey);
	if (measure_wanted(journey->service.number))
		steer_measure(ctx, journey, false);
	if (!encap_spend_ttl(ctx, packet->l3_offset, packet->v6) || !steer_rewrite(ctx, journey) ||
	    !encap_push(ctx, &record->outer, path->macs, packet->l3_offset - sizeof(struct ethhdr),
			packet->v6, packet->ip_bytes, journey->hash))
		return steer_drop(journey, SLUICE_VERDICT_NO_ROOM);
	path->connections += journey->opened;
	path->packets++;
	path->bytes += packet->ip_bytes;
	if (verdict == UNDECIDED && path->through_stack)
		verdict = SLUICE_VERDICT_OTHER_DEVICE;
	if (record->mode != SLUICE_MODE_L2)
		backend = 0;
	if (verdict != UNDECIDED)
		return conclude_hand_over(ctx, packet->ip_bytes, journey->service.number, verdict,
					  backend);
	return conclude_transmit(ctx, path->ifindex, packet->ip_bytes, journey->service.number,
				 backend);
}

/* The last stretch of a reply, back to its client from the address that the client knows. */
__noinline int steer_to_client(struct xdp_md *ctx, struct journey *journey)
{
	const struct sluice_outer nothing = {};
	enum sluice_verdict through_tc = UNDECIDED;
	const struct sluice_policy *policy;
	const struct sluice_flow *leaves_as;
	const struct packet *packet;
	enum sluice_verdict verdict;
	struct nexthop nexthop = {};
	__u32 service;
	int action;

	if (!journey)
		return XDP_DROP;
	packet = &journey->packet;
	leaves_as = &journey->leaves_as;
	service = journey->service.number;
	journey->translated = true;
	verdict =
		nexthop_ask(ctx, address_high(&leaves_as->source), address_low(&leaves_as->source),
			    address_high(&leaves_as->destination),
			    address_low(&leaves_as->destination), &nexthop);
	/* This host asked a backend itself: a health check, or somebody who looks after it. */
	if (nexthop.stays && journey->service.flags & SLUICE_SERVICE_NAT_REPLIES)
		return conclude_pass(packet->ip_bytes, SLUICE_VERDICT_NOT_OURS);
	if (!nexthop_leads_out(verdict))
		return steer_drop(journey, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > nexthop.mtu)
		return steer_too_big(ctx, journey, nexthop.mtu);
	if (!encap_has_ttl(ctx, packet->l3_offset, packet->v6))
		return steer_drop(journey, SLUICE_VERDICT_TTL_EXPIRED);
	if (packet->kind == PACKET_FIRST_FRAGMENT)
		fragment_remember(packet, service, 0, true, leaves_as);
	policy = policy_find(service);
	if (policy_is_paced(policy))
		through_tc = SLUICE_VERDICT_THROUGH_STACK;
	else if (verdict == UNDECIDED && nexthop.through_stack)
		through_tc = SLUICE_VERDICT_OTHER_DEVICE;
	else if (verdict == UNDECIDED && policy_lowers_windows(policy))
		steer_note_reply(ctx, journey);
	if (measure_wanted(service))
		steer_measure(ctx, journey, true);
	if (!encap_spend_ttl(ctx, packet->l3_offset, packet->v6) || !steer_rewrite(ctx, journey) ||
	    !encap_push(ctx, &nothing, nexthop.macs, packet->l3_offset - sizeof(struct ethhdr),
			packet->v6, packet->ip_bytes, 0))
		return steer_drop(journey, SLUICE_VERDICT_NO_ROOM);
	if (through_tc != UNDECIDED)
		verdict = through_tc;
	if (verdict != UNDECIDED)
		return conclude_hand_over(ctx, packet->ip_bytes, service, verdict, 0);
	action = conclude_transmit(ctx, nexthop.ifindex, packet->ip_bytes, service, 0);
	if (action != XDP_PASS)
		count_verdict(service, SLUICE_VERDICT_REPLY_TRANSLATED, packet->ip_bytes);
	return action;
}

/* Modes without state: a connection id, the ring or, while its slot moves, the flow table knows. */
__noinline int steer_choose(struct xdp_md *ctx, struct journey *journey)
{
	struct sluice_backend *record;
	struct ring_slot slot = {};
	struct packet *packet;
	__u32 backend = 0;

	if (!journey)
		return SLUICE_VERDICT_NO_BACKEND;
	packet = &journey->packet;
	if (!ring_pick(journey->service.number, journey->hash, &slot))
		return SLUICE_VERDICT_NO_BACKEND;
	if (journey->service.flags & SLUICE_SERVICE_QUIC && packet->l4_proto == IPPROTO_UDP)
		backend = quic_backend(ctx, packet, journey->service.number);
	if (!backend)
		backend = slot.moving ? flow_backend(packet, &slot) : slot.backend;
	journey->backend = backend;
	journey->opened = packet->opens && !packet->datagram;
	record = bpf_map_lookup_elem(&backends, &backend);
	if (record && record->mode == SLUICE_MODE_NAT) {
		journey->leaves_as = nat_stateless(packet, record);
		journey->translated = true;
	}
	return UNDECIDED;
}

/* Mode snat, from the client: its translation, known or made now, names the backend. */
__noinline int steer_translate(struct journey *journey)
{
	__u32 zero = 0;
	struct nat_search *search = bpf_map_lookup_elem(&nat_searches, &zero);
	struct ring_slot slot = {};
	enum sluice_verdict verdict;

	if (!journey || !search) /* never */
		return SLUICE_VERDICT_TABLE_FULL;
	if (!ring_pick(journey->service.number, journey->hash, &slot))
		return SLUICE_VERDICT_NO_BACKEND;
	verdict = nat_forward(&journey->packet, journey->service.number, slot.backend,
			      journey->hash, &journey->opened, search);
	journey->backend = search->translation.backend;
	journey->leaves_as = search->translation.leaves_as;
	journey->translated = true;
	return verdict;
}

/* From a backend of mode snat or nat; its client knows it by the service's address. */
__noinline int steer_reply(struct xdp_md *ctx, struct journey *journey)
{
	struct sluice_translation translation = {};
	struct sluice_backend *record;
	__u32 backend;

	if (!journey)
		return XDP_DROP;
	if (journey->service.flags & SLUICE_SERVICE_REPLIES) {
		if (!nat_reply(&journey->packet, &translation))
			return conclude_pass(journey->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
		journey->service.number = translation.service;
		journey->leaves_as = translation.leaves_as;
	} else {
		backend = journey->service.salt;
		record = bpf_map_lookup_elem(&backends, &backend);
		if (!record || record->mode != SLUICE_MODE_NAT)
			return conclude_pass(journey->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
		journey->service.number = record->service;
		journey->leaves_as = nat_stateless_reply(&journey->packet, record);
	}
	return steer_to_client(ctx, journey);
}

/* After its first one, wherever that went. */
__noinline int steer_later_fragment(struct xdp_md *ctx, struct journey *journey)
{
	struct sluice_fragment *fragment;

	if (!journey)
		return XDP_DROP;
	fragment = fragment_find(&journey->packet);
	if (!fragment)
		return conclude_pass(journey->packet.ip_bytes, SLUICE_VERDICT_FRAGMENT);
	journey->leaves_as.source = fragment->source;
	journey->leaves_as.destination = fragment->destination;
	journey->service.number = fragment->service;
	journey->backend = fragment->backend;
	journey->translated = fragment->translated;
	if (!journey->backend)
		return steer_to_client(ctx, journey);
	if (!admit_bytes(journey->service.number,
			 journey->packet.l3_offset + journey->packet.ip_bytes))
		return steer_drop(journey, SLUICE_VERDICT_INGRESS_RATE);
	return steer_to_backend(ctx, journey);
}

/* Somebody asks whether the address is there: it is, as long as steer is. */
__noinline int steer_echo(struct xdp_md *ctx, struct journey *journey)
{
	if (!journey)
		return XDP_DROP;
	if (journey->packet.kind != PACKET_ECHO)
		return conclude_pass(journey->packet.ip_bytes, SLUICE_VERDICT_NOT_OURS);
	if (!icmp_answer_echo(ctx, &journey->packet))
		return steer_drop(journey, SLUICE_VERDICT_NO_ROOM);
	count_verdict(0, SLUICE_VERDICT_ECHO_ANSWERED, journey->packet.ip_bytes);
	return XDP_TX;
}

/* UNDECIDED, or why it may not use the service. A function for the sake of steer_any's stack. */
__noinline int steer_admit(struct journey *journey)
{
	return journey ? admit(&journey->packet, &journey->service) : SLUICE_VERDICT_SOURCE_DENIED;
}

SEC("xdp.frags")
int steer_any(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct journey *journey = bpf_map_lookup_elem(&journeys, &zero);
	enum sluice_verdict verdict;

	if (!journey) /* never */
		return XDP_DROP;
	__builtin_memset(journey, 0, sizeof(*journey));
	verdict = steer_parse(ctx, journey);
	if (verdict == UNDECIDED && journey->packet.kind == PACKET_LATER_FRAGMENT)
		return steer_later_fragment(ctx, journey);
	if (verdict == UNDECIDED)
		verdict = steer_lookup(journey);
	if (verdict != UNDECIDED)
		return conclude_pass(journey->packet.ip_bytes, verdict);
	if (journey->service.flags & SLUICE_SERVICE_ADDRESS)
		return steer_echo(ctx, journey);
	if (journey->service.flags & (SLUICE_SERVICE_REPLIES | SLUICE_SERVICE_NAT_REPLIES))
		return steer_reply(ctx, journey);
	verdict = steer_admit(journey);
	if (verdict == UNDECIDED) {
		journey->hash = ring_flow_hash(&journey->packet, &journey->service);
		verdict = journey->service.flags & SLUICE_SERVICE_TRANSLATED
				  ? steer_translate(journey)
				  : steer_choose(ctx, journey);
	}
	if (verdict != UNDECIDED)
		return steer_drop(journey, verdict);
	return steer_to_backend(ctx, journey);
}

enum way {
	WAY_LONG,
	WAY_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, WAY_COUNT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, int(struct xdp_md *));
} ways SEC(".maps") = {
	.values = {[WAY_LONG] = (void *)&steer_any},
};

/*
 * The short way, once for each family. PLAIN: `action` is taken; otherwise nothing of the packet
 * was changed.
 */
static __always_inline enum plain_answer steer_plain(struct xdp_md *ctx, void *ip, void *end,
						     bool v6, int *action)
{
	const struct sluice_service_entry *service;
	struct sluice_backend_path *path;
	enum plain_answer answer;
	struct plain plain;
	__u32 slot, hash;

	answer = v6 ? plain_parse_v6(&plain, ip, end) : plain_parse_v4(&plain, ip, end);
	if (answer != PLAIN)
		return answer;
	service = plain_service(&plain, ip, v6);
	if (!service)
		return address_filter.features ? PLAIN_NOT : PLAIN_STRANGER;
	if (service->flags & SLUICE_SERVICE_LONG_WAY)
		return PLAIN_NOT;
	if (service->flags & SLUICE_SERVICE_AFFINE)
		plain.ports = service->salt;
	hash = plain_flow_hash(ip, v6, plain.ports);
	slot = ring_first_column(ring_head(service->service), hash);
	/* No backend has number 0 or the bit of a moving slot: their paths never are fresh. */
	path = bpf_map_lookup_elem(&backend_paths, &slot);
	if (!path || bpf_jiffies64() >= path->short_until_jiffies || plain.ip_bytes > path->mtu)
		return PLAIN_NOT;
	path->packets++;
	path->bytes += plain.ip_bytes;
	if (plain_opens(&plain))
		path->connections++;
	*action = XDP_DROP;
	encap_take_ttl(ip, v6);
	if (!encap_push(ctx, &path->outer, path->macs, 0, v6, plain.ip_bytes, hash))
		count_verdict(service->service, SLUICE_VERDICT_NO_ROOM, plain.ip_bytes);
	else
		*action = conclude_transmit(ctx, path->ifindex, plain.ip_bytes, service->service,
					    path->outer.length ? 0 : slot);
	return PLAIN;
}

SEC("xdp.frags")
int steer(struct xdp_md *ctx)
{
	enum sluice_verdict verdict = SLUICE_VERDICT_NOT_OURS;
	enum plain_answer answer = PLAIN_STRANGER;
	void *data = frame_begin(ctx);
	void *end = frame_end(ctx);
	void *ip = data + sizeof(struct ethhdr);
	__be16 ethertype = 0;
	int action;

	if (ip <= end)
		ethertype = *(__be16 *)(data + offsetof(struct ethhdr, h_proto));
	if (ethertype == bpf_htons(ETH_P_IP))
		answer = steer_plain(ctx, ip, end, false, &action);
	else if (ethertype == bpf_htons(ETH_P_IPV6))
		answer = steer_plain(ctx, ip, end, true, &action);
	else if (packet_is_tagged(ethertype))
		answer = PLAIN_NOT;
	else
		verdict = SLUICE_VERDICT_NOT_IP;
	if (answer == PLAIN)
		return action;
	if (answer == PLAIN_STRANGER)
		return conclude_pass(ip <= end ? end - ip : 0, verdict);
	bpf_tail_call(ctx, &ways, WAY_LONG);
	return XDP_DROP; /* never */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
