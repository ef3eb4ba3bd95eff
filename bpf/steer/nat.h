/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Network address translation.
 *
 *	mode	direction	translated tuple
 *	snat	client, new	from a new pair of entries (steer/nat_ports.h)
 *	snat	all others	from the entry of the packet's 5-tuple
 *	nat	both		from the backend alone, without state
 *
 * snat (full NAT) translates both addresses, so that any server can serve and the reply returns to
 * the director. nat (destination NAT) translates only the service's address.
 */
#ifndef SLUICE_STEER_NAT_H
#define SLUICE_STEER_NAT_H

#include "maps/backends.h"
#include "sluice/service.h"
#include "steer/flow_table.h"
#include "steer/nat_ports.h"
#include "wire/packet.h"

/* A new connection: claims a port towards its backend and writes the entries of both directions. */
static __always_inline enum sluice_verdict nat_open(const struct packet *packet, __u32 service,
						    __u32 backend, __u32 hash,
						    const struct sluice_flow *flow,
						    struct nat_search *search)
{
	struct sluice_backend *record = bpf_map_lookup_elem(&backends, &backend);
	struct sluice_translation *translation = &search->translation;

	/* The backend may have started draining after the ring was read. Accept the flow. */
	if (!record || !record->state || record->state == SLUICE_BACKEND_DOWN)
		return SLUICE_VERDICT_NO_BACKEND;
	search->first = hash;
	search->now_s = flow_now_s();
	search->verdict = SLUICE_VERDICT_PORTS_EXHAUSTED;
	__builtin_memset(&search->reply_key, 0, sizeof(search->reply_key));
	search->reply_key.source = record->address;
	/* A service of any port keeps the port that the client chose. */
	search->reply_key.source_port = record->port ? record->port : flow->destination_port;
	search->reply_key.destination = record->source;
	search->reply_key.l4_proto = packet->l4_proto;
	__builtin_memset(translation, 0, sizeof(*translation));
	translation->translated_tuple = flow_reverse(flow);
	translation->backend = backend;
	translation->service = service;
	translation->seen_s = search->now_s;
	translation->reply = 1;
	bpf_loop(2 * SLUICE_SNAT_PORT_TRIES, nat_try_port, NULL, 0);
	if (search->verdict != UNDECIDED)
		return search->verdict;
	translation->translated_tuple = flow_reverse(&search->reply_key);
	translation->reply = 0;
	if (bpf_map_update_elem(&translations, flow, translation, BPF_ANY)) {
		bpf_map_delete_elem(&translations, &search->reply_key);
		return SLUICE_VERDICT_TABLE_FULL;
	}
	return UNDECIDED;
}

/*
 * Updates state and time of a direction that a packet passes. Writes only what changes, so that
 * CPUs do not contend for the cache line. A retransmitted SYN does not open the connection.
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

/* For an opening packet: does the known translation belong to an earlier connection? */
static __always_inline bool nat_is_earlier(const struct sluice_translation *translation)
{
	struct sluice_flow reply_key;

	if (!flow_backend_takes_new(translation->backend))
		return true;
	reply_key = flow_reverse(&translation->translated_tuple);
	return nat_is_closed(translation, bpf_map_lookup_elem(&translations, &reply_key));
}

/*
 * From the client: sets `search->translation`. A known connection keeps its backend, whatever the
 * ring says now. `backend` is for a new one.
 */
static __always_inline enum sluice_verdict nat_forward(const struct packet *packet, __u32 service,
						       __u32 backend, __u32 hash, bool *opened,
						       struct nat_search *search)
{
	struct sluice_flow flow = packet_flow(packet);
	struct sluice_translation *known = nat_find(&flow);

	if (known && packet->l4_proto == IPPROTO_TCP && packet->opens && nat_is_earlier(known))
		known = NULL;
	/* UDP has no end: if the backend takes no new flows, the flow begins anew elsewhere. */
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

/* From a backend. False: no translated flow, so the packet is for this host. */
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
 * Mode nat, both directions: the translated tuple follows from the backend alone, because no two
 * nat services share the endpoint of a backend. Port 0: the packet keeps its port.
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

#endif
