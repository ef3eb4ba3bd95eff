/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode snat: both addresses translated, so that any server can serve and the reply comes back here.
 * A flow has an entry each way; the one of the reply is also the claim on its source port, made by
 * inserting it where nothing is. Nobody waits for anybody: who finds a port taken tries another,
 * and only who finds none free takes the port of a flow that is long dead.
 */
#ifndef SLUICE_STEER_NAT_H
#define SLUICE_STEER_NAT_H

#include "pure/checksum.h"
#include "sluice/flow.h"
#include "sluice/service.h"
#include "steer/flow.h"
#include "steer/packet.h"
#include "steer/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_translation);
	__uint(max_entries, 2 * SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} translations SEC(".maps");

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
	       forward->leaves_as.source_port == reply_key->destination_port;
}

/* May the port that `reply` holds be taken over? `forward` is its other entry, or NULL. */
static __always_inline bool nat_is_dead(const struct sluice_translation *reply,
					const struct sluice_translation *forward, __u32 now_s)
{
	__u32 seen_s = reply->seen_s;
	__u32 silence_s, limit_s;

	if (forward && (__s32)(forward->seen_s - seen_s) > 0)
		seen_s = forward->seen_s;
	silence_s = now_s - seen_s;
	if (nat_is_closed(reply, forward))
		limit_s = SLUICE_SNAT_CLOSED_S;
	else if (reply->leaves_as.l4_proto == IPPROTO_UDP)
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
	forward_key = nat_reverse(&reply->leaves_as);
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
	struct packet packet = {
		.destination_high = address_high(&reply_key->destination),
		.destination_low = address_low(&reply_key->destination),
	};
	struct service service;
	__u32 zero = 0;
	void *table = bpf_map_lookup_elem(&service_tables, &zero);

	return table && service_listens(table, &packet, reply_key->destination_port,
					reply_key->l4_proto, &service);
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

	if (!record || record->state != SLUICE_BACKEND_UP)
		return SLUICE_VERDICT_NO_BACKEND;
	search->first = hash;
	search->now_s = flow_now_s();
	search->verdict = SLUICE_VERDICT_PORTS_EXHAUSTED;
	__builtin_memset(&search->reply_key, 0, sizeof(search->reply_key));
	search->reply_key.source = record->address;
	search->reply_key.source_port = record->port;
	search->reply_key.destination = record->source;
	search->reply_key.l4_proto = packet->l4_proto;
	__builtin_memset(translation, 0, sizeof(*translation));
	translation->leaves_as = nat_reverse(flow);
	translation->backend = backend;
	translation->service = service;
	translation->seen_s = search->now_s;
	translation->reply = 1;
	bpf_loop(2 * SLUICE_SNAT_PORT_TRIES, nat_try_port, NULL, 0);
	if (search->verdict != UNDECIDED)
		return search->verdict;
	translation->leaves_as = nat_reverse(&search->reply_key);
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
	reply_key = nat_reverse(&translation->leaves_as);
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
	struct sluice_translation *known = bpf_map_lookup_elem(&translations, &flow);

	if (known && packet->l4_proto == IPPROTO_TCP && packet->opens && nat_is_earlier(known))
		known = NULL;
	/* UDP has no end: a flow whose backend takes nothing more begins anew elsewhere. */
	if (known && packet->l4_proto == IPPROTO_UDP && !flow_backend_takes_new(known->backend))
		known = NULL;
	if (known) {
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
	struct sluice_translation *known = bpf_map_lookup_elem(&translations, &flow);

	if (!known || !known->reply)
		return false;
	nat_note(known, packet);
	*translation = *known;
	return true;
}

/* Rewrites addresses, ports and checksums (RFC 1624); the lengths stay. */
static __always_inline bool nat_rewrite(struct xdp_md *ctx, const struct packet *packet,
					const struct sluice_flow *leaves_as)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	__u32 l4_offset = packet->l4_offset;
	__be16 *ports, *check;
	__u64 difference = 0;
	void *l4;

	if (packet->v6) {
		struct ipv6hdr *ip = data + sizeof(struct ethhdr);
		__u32 *from, *to;

		if ((void *)(ip + 1) > data_end)
			return false;
		from = (__u32 *)&ip->saddr;
		to = (__u32 *)leaves_as; /* its source and destination, as in the header */
		for (int i = 0; i < 8; i++) {
			difference = checksum_difference(difference, from[i], to[i]);
			from[i] = to[i];
		}
	} else {
		struct iphdr *ip = data + sizeof(struct ethhdr);
		__be32 source = address_v4(address_low(&leaves_as->source));
		__be32 destination = address_v4(address_low(&leaves_as->destination));

		if ((void *)(ip + 1) > data_end)
			return false;
		difference = checksum_difference(difference, ip->saddr, source);
		difference = checksum_difference(difference, ip->daddr, destination);
		ip->check = checksum_apply(ip->check, difference);
		ip->saddr = source;
		ip->daddr = destination;
	}
	if (l4_offset > sizeof(struct ethhdr) + 0x4000)
		return false;
	l4 = data + l4_offset;
	if (l4 + sizeof(struct udphdr) > data_end)
		return false;
	ports = l4;
	difference += (__u16)~ports[0] + (__u32)leaves_as->source_port;
	difference += (__u16)~ports[1] + (__u32)leaves_as->destination_port;
	ports[0] = leaves_as->source_port;
	ports[1] = leaves_as->destination_port;
	if (packet->l4_proto == IPPROTO_UDP) {
		check = &((struct udphdr *)l4)->check;
		/* RFC 768: no checksum stays no checksum. */
		if (*check)
			*check = checksum_udp(checksum_apply(*check, difference));
		return true;
	}
	if (l4 + sizeof(struct tcphdr) > data_end)
		return false;
	check = &((struct tcphdr *)l4)->check;
	*check = checksum_apply(*check, difference);
	return true;
}

#endif
