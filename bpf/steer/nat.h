/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode snat: both addresses translated, so that any server can serve and the reply comes back here.
 * A flow has an entry each way; the one of the reply is also the claim on its source port, made by
 * inserting it where nothing is. Nobody waits for anybody: who finds a port taken tries another,
 * and only who finds none free takes the port of a flow that is long dead.
 */
#ifndef SLUICE_STEER_NAT_H
#define SLUICE_STEER_NAT_H

#include "maps/translations.h"
#include "pure/checksum.h"
#include "sluice/flow.h"
#include "sluice/service.h"
#include "steer/flow.h"
#include "steer/packet.h"
#include "maps/tracked_flows.h"
#include "steer/service.h"

#define NAT_PORTS (SLUICE_SNAT_PORT_LAST - SLUICE_SNAT_PORT_FIRST + 1)
#define NAT_PORT_STRIDE 7919 /* a prime that does not divide NAT_PORTS: tries never repeat */
#define ERR_EXIST 17	     /* EEXIST */

static __always_inline struct sluice_flow nat_reverse(const struct sluice_flow *flow)
{
	struct sluice_flow reverse = {
		.source = flow->destination,
		.destination = flow->source,
		.source_port = flow->destination_port,
		.destination_port = flow->source_port,
		.l4_proto = flow->l4_proto,
	};

	return reverse;
}

/* NULL also where its backend has left (purge.bpf.c). */
static __always_inline struct sluice_translation *nat_find(const struct sluice_flow *flow)
{
	struct sluice_translation *known = bpf_map_lookup_elem(&translations, flow);

	return known && known->backend ? known : NULL;
}

static __always_inline bool nat_state_is_last(__u8 state)
{
	return state == SLUICE_TRANSLATION_FINISHED || state == SLUICE_TRANSLATION_RESET;
}

/* Both ways closed, or reset: nothing but repeated last ACKs is to come. */
static __always_inline bool nat_is_closed(const struct sluice_translation *one,
					  const struct sluice_translation *other)
{
	if (one->state == SLUICE_TRANSLATION_RESET)
		return true;
	if (!other)
		return one->state == SLUICE_TRANSLATION_FINISHED;
	return other->state == SLUICE_TRANSLATION_RESET ||
	       (nat_state_is_last(one->state) && nat_state_is_last(other->state));
}

/* One connection's two entries? Not when its 5-tuple has begun anew, on another port or backend. */
static __always_inline bool nat_are_one(const struct sluice_flow *reply_key,
					const struct sluice_translation *reply,
					const struct sluice_translation *forward)
{
	return forward->backend == reply->backend &&
	       forward->translated_tuple.source_port == reply_key->destination_port;
}

/* May the port that `reply` holds be taken over? `forward` is its other entry, or NULL. */
static __always_inline bool nat_is_dead(const struct sluice_translation *reply,
					const struct sluice_translation *forward, __u32 now_s)
{
	__u32 seen_s = reply->seen_s;
	__u32 silence_s, limit_s;

	if (!reply->backend)
		return true;
	if (forward && (__s32)(forward->seen_s - seen_s) > 0)
		seen_s = forward->seen_s;
	silence_s = now_s - seen_s;
	if (nat_is_closed(reply, forward))
		limit_s = SLUICE_SNAT_CLOSED_S;
	else if (reply->translated_tuple.l4_proto == IPPROTO_UDP)
		limit_s = SLUICE_SNAT_UDP_S;
	/* One side alone is no connection: a flood's SYNs are answered and never confirmed. */
	else if (reply->state == SLUICE_TRANSLATION_OPENING ||
		 (forward && forward->state == SLUICE_TRANSLATION_OPENING))
		limit_s = SLUICE_SNAT_OPENING_S;
	else
		limit_s = SLUICE_SNAT_ESTABLISHED_S;
	return silence_s > limit_s;
}

/*
 * What the search for a port has and finds. While it searches, `translation` is the reply's, whose
 * entry claims the port; then it becomes the packet's own.
 */
struct nat_search {
	struct sluice_flow reply_key;
	struct sluice_translation translation;
	__u32 first;
	__u32 now_s;
	enum sluice_verdict verdict; /* UNDECIDED: the port in reply_key is ours */
};

/* One at a time on each CPU. Not on the stack: what bpf_loop calls shares its 512 bytes (6.1). */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct nat_search);
	__uint(max_entries, 1);
} nat_searches SEC(".maps");

/* Frees the port of a dead flow. Of several that try, one gets it. */
static __always_inline bool nat_take_over(const struct sluice_flow *reply_key, __u32 now_s)
{
	struct sluice_translation *reply = bpf_map_lookup_elem(&translations, reply_key);
	struct sluice_translation *forward;
	struct sluice_flow forward_key;

	if (!reply)
		return true;
	forward_key = nat_reverse(&reply->translated_tuple);
	forward = bpf_map_lookup_elem(&translations, &forward_key);
	if (forward && !nat_are_one(reply_key, reply, forward))
		forward = NULL;
	if (!nat_is_dead(reply, forward, now_s) ||
	    __sync_val_compare_and_swap(&reply->claimed, 0, 1))
		return false;
	if (forward)
		bpf_map_delete_elem(&translations, &forward_key);
	bpf_map_delete_elem(&translations, reply_key);
	return true;
}

/* Does a service of ours listen on that port? It would be given the replies that come to it. */
static __always_inline bool nat_is_service(const struct sluice_flow *reply_key)
{
	__u64 high = address_high(&reply_key->destination);
	__u64 low = address_low(&reply_key->destination);
	__u64 sum = address_hash_sum(seed.words, high, low);

	return service_listens(high, low, sum,
			       service_word(reply_key->destination_port, reply_key->l4_proto)) ||
	       service_listens(high, low, sum, service_word(0, reply_key->l4_proto));
}

/* One try. The first round looks for a free port, the second for one to take over. */
static long nat_try_port(__u32 index, void *nothing)
{
	__u32 zero = 0;
	struct nat_search *search = bpf_map_lookup_elem(&nat_searches, &zero);
	__u32 port;
	long error;

	if (!search)
		return 1;
	port = SLUICE_SNAT_PORT_FIRST + (search->first + index * NAT_PORT_STRIDE) % NAT_PORTS;
	search->reply_key.destination_port = bpf_htons(port);
	if (nat_is_service(&search->reply_key))
		return 0;
	if (index >= SLUICE_SNAT_PORT_TRIES && !nat_take_over(&search->reply_key, search->now_s))
		return 0;
	error = bpf_map_update_elem(&translations, &search->reply_key, &search->translation,
				    BPF_NOEXIST);
	if (error == -ERR_EXIST)
		return 0;
	search->verdict = error ? SLUICE_VERDICT_TABLE_FULL : UNDECIDED;
	return 1;
}

/* A new connection: takes a port towards its backend and remembers both ways. */
static __always_inline enum sluice_verdict nat_open(const struct packet *packet, __u32 service,
						    __u32 backend, __u32 hash,
						    const struct sluice_flow *flow,
						    struct nat_search *search)
{
	struct sluice_backend *record = bpf_map_lookup_elem(&backends, &backend);
	struct sluice_translation *translation = &search->translation;

	/* It may drain since a moment ago, when the ring still named it; that is no reason to drop.
	 */
	if (!record || !record->state || record->state == SLUICE_BACKEND_DOWN)
		return SLUICE_VERDICT_NO_BACKEND;
	search->first = hash;
	search->now_s = flow_now_s();
	search->verdict = SLUICE_VERDICT_PORTS_EXHAUSTED;
	__builtin_memset(&search->reply_key, 0, sizeof(search->reply_key));
	search->reply_key.source = record->address;
	/* A service of any port keeps the one that the client asked for. */
	search->reply_key.source_port = record->port ? record->port : flow->destination_port;
	search->reply_key.destination = record->source;
	search->reply_key.l4_proto = packet->l4_proto;
	__builtin_memset(translation, 0, sizeof(*translation));
	translation->translated_tuple = nat_reverse(flow);
	translation->backend = backend;
	translation->service = service;
	translation->seen_s = search->now_s;
	translation->reply = 1;
	bpf_loop(2 * SLUICE_SNAT_PORT_TRIES, nat_try_port, NULL, 0);
	if (search->verdict != UNDECIDED)
		return search->verdict;
	translation->translated_tuple = nat_reverse(&search->reply_key);
	translation->reply = 0;
	if (bpf_map_update_elem(&translations, flow, translation, BPF_ANY)) {
		bpf_map_delete_elem(&translations, &search->reply_key);
		return SLUICE_VERDICT_TABLE_FULL;
	}
	return UNDECIDED;
}

/*
 * Notes that a packet passes this way, writing only what changes. A SYN that is sent again confirms
 * nothing.
 */
static __always_inline void nat_note(struct sluice_translation *translation,
				     const struct packet *packet)
{
	__u32 now_s = flow_now_s();
	__u8 state = translation->state;

	if (packet->resets)
		state = SLUICE_TRANSLATION_RESET;
	else if (packet->finishes)
		state = SLUICE_TRANSLATION_FINISHED;
	else if (state == SLUICE_TRANSLATION_OPENING &&
		 !(packet->opens && packet->l4_proto == IPPROTO_TCP))
		state = SLUICE_TRANSLATION_OPEN;
	if (translation->state != state)
		translation->state = state;
	if (translation->seen_s != now_s)
		translation->seen_s = now_s;
}

/* Does the known translation of a packet that opens a connection belong to an earlier one? */
static __always_inline bool nat_is_earlier(const struct sluice_translation *translation)
{
	struct sluice_flow reply_key;

	if (!flow_backend_takes_new(translation->backend))
		return true;
	reply_key = nat_reverse(&translation->translated_tuple);
	return nat_is_closed(translation, bpf_map_lookup_elem(&translations, &reply_key));
}

/*
 * Forward: what the packet leaves with, into `search->translation`. A connection that is known
 * keeps its backend whatever the ring says now; `backend` is for a new one.
 */
static __always_inline enum sluice_verdict nat_forward(const struct packet *packet, __u32 service,
						       __u32 backend, __u32 hash, bool *opened,
						       struct nat_search *search)
{
	struct sluice_flow flow = packet_flow(packet);
	struct sluice_translation *known = nat_find(&flow);

	if (known && packet->l4_proto == IPPROTO_TCP && packet->opens && nat_is_earlier(known))
		known = NULL;
	/* UDP has no end: a flow whose backend takes nothing more begins anew elsewhere. */
	if (known && packet->l4_proto == IPPROTO_UDP && !flow_backend_takes_new(known->backend))
		known = NULL;
	if (known) {
		if (packet->kind != PACKET_QUOTE)
			nat_note(known, packet);
		search->translation = *known;
		return UNDECIDED;
	}
	if (!packet->opens)
		return SLUICE_VERDICT_UNKNOWN_FLOW;
	*opened = true;
	return nat_open(packet, service, backend, hash, &flow, search);
}

/* Reply: false when it belongs to no translated flow, and hence to this host itself. */
static __always_inline bool nat_reply(const struct packet *packet,
				      struct sluice_translation *translation)
{
	struct sluice_flow flow = packet_flow(packet);
	struct sluice_translation *known = nat_find(&flow);

	if (!known || !known->reply)
		return false;
	if (packet->kind != PACKET_QUOTE)
		nat_note(known, packet);
	*translation = *known;
	return true;
}

/*
 * Mode nat, to the backend and back: what the packet leaves with follows from the backend alone,
 * for no two nat services share a backend's endpoint. Port 0 keeps the packet's own.
 */
static __always_inline struct sluice_flow nat_stateless(const struct packet *packet,
							const struct sluice_backend *record)
{
	struct sluice_flow translated_tuple = packet_flow(packet);

	translated_tuple.destination = record->address;
	if (record->port)
		translated_tuple.destination_port = record->port;
	return translated_tuple;
}

static __always_inline struct sluice_flow nat_stateless_reply(const struct packet *packet,
							      const struct sluice_backend *record)
{
	struct sluice_flow translated_tuple = packet_flow(packet);

	translated_tuple.source = record->service_address;
	if (record->service_port)
		translated_tuple.source_port = record->service_port;
	return translated_tuple;
}

/* Puts `to` (16 bytes, or the last 4 of it in IPv4) where `at` is; what that does to a checksum. */
static __always_inline __u64 nat_put_v6(struct in6_addr *at, const struct sluice_address *to)
{
	__u32 *from = (__u32 *)at;
	__u32 *words = (__u32 *)to;
	__u64 difference = 0;

	for (int i = 0; i < 4; i++) {
		difference = checksum_difference(difference, from[i], words[i]);
		from[i] = words[i];
	}
	return difference;
}

static __always_inline __u64 nat_put_v4(__be32 *at, const struct sluice_address *to)
{
	__be32 address = address_v4(address_low(to));
	__u64 difference = checksum_difference(0, *at, address);

	*at = address;
	return difference;
}

/*
 * Puts `source` and `destination` into the IP header at `ip`; NULL leaves one as it is. False: it
 * does not lie within the packet. An IPv4 header's own checksum follows.
 */
static __always_inline bool nat_put_addresses(void *ip, void *end, bool v6,
					      const struct sluice_address *source,
					      const struct sluice_address *destination,
					      __u64 *difference)
{
	if (v6) {
		struct ipv6hdr *header = ip;

		if ((void *)(header + 1) > end)
			return false;
		if (source)
			*difference += nat_put_v6(&header->saddr, source);
		*difference += nat_put_v6(&header->daddr, destination);
	} else {
		struct iphdr *header = ip;

		if ((void *)(header + 1) > end)
			return false;
		if (source)
			*difference += nat_put_v4(&header->saddr, source);
		*difference += nat_put_v4(&header->daddr, destination);
		header->check = checksum_apply(header->check, *difference);
	}
	return true;
}

static __always_inline __u64 nat_put_ports(__be16 *ports, __be16 source, __be16 destination)
{
	__u64 difference = (__u64)(__u16)~ports[0] + source;

	difference += (__u64)(__u16)~ports[1] + destination;
	ports[0] = source;
	ports[1] = destination;
	return difference;
}

/* The ports and the checksum behind them, which covers the addresses too (RFC 1624). */
static __always_inline bool nat_rewrite_l4(void *l4, void *end, __u8 l4_proto,
					   const struct sluice_flow *translated_tuple,
					   __u64 difference)
{
	__sum16 *check;

	if (l4 + sizeof(struct udphdr) > end)
		return false;
	difference += nat_put_ports(l4, translated_tuple->source_port,
				    translated_tuple->destination_port);
	if (l4_proto == IPPROTO_UDP) {
		check = &((struct udphdr *)l4)->check;
		/* RFC 768: no checksum stays no checksum. */
		if (*check)
			*check = checksum_udp(checksum_apply(*check, difference));
		return true;
	}
	if (l4 + sizeof(struct tcphdr) > end)
		return false;
	check = &((struct tcphdr *)l4)->check;
	*check = checksum_apply(*check, difference);
	return true;
}

/*
 * The checksum of a quoted transport header, as far as the packet has it: eight bytes have that of
 * UDP, but not that of TCP.
 */
static __always_inline __sum16 *nat_quoted_check(void *l4, void *end, const struct packet *packet)
{
	__u32 l4_bytes = packet->l3_offset + packet->ip_bytes - packet->quoted_l4_offset;

	if (packet->l4_proto == IPPROTO_UDP && l4 + sizeof(struct udphdr) <= end)
		return &((struct udphdr *)l4)->check;
	if (packet->l4_proto == IPPROTO_TCP && l4 + sizeof(struct tcphdr) <= end &&
	    l4_bytes >= sizeof(struct tcphdr))
		return &((struct tcphdr *)l4)->check;
	return NULL;
}

/*
 * An error goes to whom the flow's packets go, from whoever sent it, and quotes a packet that went
 * the other way, as its sender knows it (RFC 5508, REQ-4). What changes in a quoted IPv4 header
 * cancels out: its own checksum is in there.
 */
static __always_inline bool nat_rewrite_quote(struct xdp_md *ctx, const struct packet *packet,
					      const struct sluice_flow *translated_tuple)
{
	void *data = frame_begin(ctx);
	void *end = frame_end(ctx);
	__u64 outer = 0, inner = 0, difference;
	struct icmp_header *icmp;
	__sum16 *check, before;
	void *ports;

	if (!nat_put_addresses(packet_at(data, packet->l3_offset), end, packet->v6, NULL,
			       &translated_tuple->destination, &outer) ||
	    !nat_put_addresses(packet_at(data, packet->quote_offset), end, packet->v6,
			       &translated_tuple->destination, &translated_tuple->source, &inner))
		return false;
	ports = packet_at(data, packet->quoted_l4_offset);
	if (ports + ICMP_QUOTED_L4_BYTES > end)
		return false;
	difference = nat_put_ports(ports, translated_tuple->destination_port,
				   translated_tuple->source_port);
	inner += difference;
	if (packet->v6)
		difference = outer + inner;
	check = nat_quoted_check(ports, end, packet);
	if (check && (*check || packet->l4_proto == IPPROTO_TCP)) {
		before = *check;
		*check = checksum_apply(before, inner);
		if (packet->l4_proto == IPPROTO_UDP)
			*check = checksum_udp(*check);
		difference += (__u64)(__u16)~before + *check;
	}
	icmp = packet_at(data, packet->l4_offset);
	if ((void *)(icmp + 1) > end)
		return false;
	icmp->checksum = checksum_apply(icmp->checksum, difference);
	return true;
}

/* Rewrites addresses, ports and checksums of any kind of packet; the lengths stay. */
static __always_inline bool nat_rewrite(struct xdp_md *ctx, const struct packet *packet,
					const struct sluice_flow *translated_tuple)
{
	void *data = frame_begin(ctx);
	void *end = frame_end(ctx);
	__u64 difference = 0;

	if (packet->kind == PACKET_QUOTE)
		return nat_rewrite_quote(ctx, packet, translated_tuple);
	if (!nat_put_addresses(packet_at(data, packet->l3_offset), end, packet->v6,
			       &translated_tuple->source, &translated_tuple->destination,
			       &difference))
		return false;
	return packet->kind == PACKET_LATER_FRAGMENT ||
	       nat_rewrite_l4(packet_at(data, packet->l4_offset), end, packet->l4_proto,
			      translated_tuple, difference);
}

#endif
