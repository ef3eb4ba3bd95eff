// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * steer, at XDP of a director's devices: finds the service of a packet, the backend of its
 * connection, and sends it there. The packet's way is this file read from the end; each room on it
 * is one header in steer/. What is not ours passes untouched; what is dropped has a verdict.
 *
 *	packet -> service -> ring [-> flow, while the slot moves] -> nexthop -> encap | nat ->
 *conclude
 *
 * A settled connection touches no table of connections: its hash is its memory (DESIGN, "Just
 * enough tracking"; steer/flow.h).
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "steer/packet.h"
#include "steer/service.h"
#include "steer/ring.h"
#include "steer/admit.h"
#include "steer/nexthop.h"
#include "steer/flow.h"
#include "steer/encap.h"
#include "steer/nat.h"
#include "steer/conclude.h"
#include "policy.h"
#include "configuration.h"

/* Sends a packet that is ready, but for its Ethernet header, to its backend. */
static __always_inline int steer_to_backend(struct xdp_md *ctx, const struct packet *packet,
					    const struct service *service,
					    const struct sluice_backend *record,
					    struct sluice_backend_path *path,
					    enum sluice_verdict verdict)
{
	path->packets++;
	path->bytes += packet->ip_bytes;
	if (service->flags & SLUICE_SERVICE_PACED)
		return conclude_hand_over(ctx, packet, service->number,
					  SLUICE_VERDICT_THROUGH_STACK);
	if (verdict == SLUICE_VERDICT_NEIGHBOUR_UNKNOWN)
		return conclude_hand_over(ctx, packet, service->number, verdict);
	encap_ethernet(ctx, path->destination_mac, path->source_mac);
	return conclude_transmit(ctx, path->ifindex);
}

/* Mode ipip: the ring, or while its slot moves the flow table, names the backend. */
static __always_inline int steer_encapsulated(struct xdp_md *ctx, const struct packet *packet,
					      const struct service *service, __u32 hash,
					      const struct ring_slot *slot)
{
	__u32 backend = slot->moving ? flow_backend(packet, slot) : slot->backend;
	struct sluice_backend *record = bpf_map_lookup_elem(&backends, &backend);
	struct sluice_backend_path *path = bpf_map_lookup_elem(&backend_paths, &backend);
	enum sluice_verdict verdict;

	if (!backend || !record || !path)
		return conclude_drop(packet, service->number, SLUICE_VERDICT_NO_BACKEND);
	if (record->state == SLUICE_BACKEND_DOWN)
		return conclude_drop(packet, service->number, SLUICE_VERDICT_BACKEND_DOWN);
	verdict = nexthop_backend(ctx, record, path);
	if (verdict != UNDECIDED && verdict != SLUICE_VERDICT_NEIGHBOUR_UNKNOWN)
		return conclude_drop(packet, service->number, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes + record->outer_length > path->mtu)
		return conclude_drop(packet, service->number, SLUICE_VERDICT_TOO_BIG);
	if (!encap_spend_ttl(ctx, packet))
		return conclude_drop(packet, service->number, SLUICE_VERDICT_TTL_EXPIRED);
	if (!encap_push(ctx, packet, record, hash))
		return conclude_drop(packet, service->number, SLUICE_VERDICT_NO_ROOM);
	if (packet->opens && packet->l4_proto == IPPROTO_TCP)
		path->connections++;
	return steer_to_backend(ctx, packet, service, record, path, verdict);
}

/* Mode snat, from the client: its translation, known or made now, names the backend. */
static __always_inline int steer_translated(struct xdp_md *ctx, const struct packet *packet,
					    const struct service *service, __u32 hash,
					    __u32 new_backend)
{
	__u32 zero = 0;
	struct nat_search *search = bpf_map_lookup_elem(&nat_searches, &zero);
	struct sluice_translation *translation;
	struct sluice_backend_path *path;
	struct sluice_backend *record;
	enum sluice_verdict verdict;
	bool opened = false;
	__u32 backend;

	if (!search) /* never */
		return conclude_drop(packet, service->number, SLUICE_VERDICT_TABLE_FULL);
	translation = &search->translation;
	verdict = nat_forward(packet, service->number, new_backend, hash, &opened, search);
	if (verdict != UNDECIDED)
		return conclude_drop(packet, service->number, verdict);
	backend = translation->backend;
	record = bpf_map_lookup_elem(&backends, &backend);
	path = bpf_map_lookup_elem(&backend_paths, &backend);
	if (!record || !path || record->state == SLUICE_BACKEND_DOWN)
		return conclude_drop(packet, service->number, SLUICE_VERDICT_BACKEND_DOWN);
	verdict = nexthop_backend(ctx, record, path);
	if (verdict != UNDECIDED && verdict != SLUICE_VERDICT_NEIGHBOUR_UNKNOWN)
		return conclude_drop(packet, service->number, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > path->mtu)
		return conclude_drop(packet, service->number, SLUICE_VERDICT_TOO_BIG);
	if (!encap_spend_ttl(ctx, packet))
		return conclude_drop(packet, service->number, SLUICE_VERDICT_TTL_EXPIRED);
	if (!nat_rewrite(ctx, packet, &translation->leaves_as))
		return conclude_drop(packet, service->number, SLUICE_VERDICT_NO_ROOM);
	if (opened)
		path->connections++;
	return steer_to_backend(ctx, packet, service, record, path, verdict);
}

/* Mode snat, from the backend: back to the client, from the address that the client knows. */
static __always_inline int steer_reply(struct xdp_md *ctx, const struct packet *packet)
{
	struct sluice_translation translation = {};
	struct sluice_flow *leaves_as = &translation.leaves_as;
	enum sluice_verdict verdict;
	struct nexthop nexthop;

	if (!nat_reply(packet, &translation))
		return conclude_pass(packet, SLUICE_VERDICT_NOT_OURS);
	verdict =
		nexthop_ask(ctx, address_high(&leaves_as->source), address_low(&leaves_as->source),
			    address_high(&leaves_as->destination),
			    address_low(&leaves_as->destination), &nexthop);
	if (verdict != UNDECIDED && verdict != SLUICE_VERDICT_NEIGHBOUR_UNKNOWN)
		return conclude_drop(packet, translation.service, verdict);
	if (verdict == UNDECIDED && packet->ip_bytes > nexthop.mtu)
		return conclude_drop(packet, translation.service, SLUICE_VERDICT_TOO_BIG);
	if (!encap_spend_ttl(ctx, packet))
		return conclude_drop(packet, translation.service, SLUICE_VERDICT_TTL_EXPIRED);
	if (!nat_rewrite(ctx, packet, leaves_as))
		return conclude_drop(packet, translation.service, SLUICE_VERDICT_NO_ROOM);
	if (policy_find(translation.service))
		return conclude_hand_over(ctx, packet, translation.service,
					  SLUICE_VERDICT_THROUGH_STACK);
	if (verdict == SLUICE_VERDICT_NEIGHBOUR_UNKNOWN)
		return conclude_hand_over(ctx, packet, translation.service, verdict);
	count_verdict(translation.service, SLUICE_VERDICT_REPLY_TRANSLATED, packet->ip_bytes);
	encap_ethernet(ctx, nexthop.destination_mac, nexthop.source_mac);
	return conclude_transmit(ctx, nexthop.ifindex);
}

SEC("xdp")
int steer(struct xdp_md *ctx)
{
	struct ring_slot slot = {};
	struct service service;
	struct packet packet;
	enum sluice_verdict verdict;
	__u32 hash;

	verdict = packet_parse(&packet, ctx);
	if (verdict != UNDECIDED)
		return conclude_pass(&packet, verdict);
	if (!service_find(&packet, &service))
		return conclude_pass(&packet, SLUICE_VERDICT_NOT_OURS);
	if (service.flags & SLUICE_SERVICE_REPLIES)
		return steer_reply(ctx, &packet);
	hash = ring_flow_hash(&packet);
	if (!ring_pick(service.number, hash, &slot))
		return conclude_drop(&packet, service.number, SLUICE_VERDICT_NO_BACKEND);
	if (service.flags & SLUICE_SERVICE_TRANSLATED)
		return steer_translated(ctx, &packet, &service, hash, slot.backend);
	return steer_encapsulated(ctx, &packet, &service, hash, &slot);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
