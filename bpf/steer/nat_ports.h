/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The entries of full-NAT flows, and the search for a source port towards the backend.
 *
 * A flow has one entry per direction, and the entry of the reply claims the port. It is inserted
 * only if no entry has its key. Allocation takes no lock: if a port is taken, the next candidate is
 * tried. If none is free, the port of a dead flow is taken over.
 */
#ifndef SLUICE_STEER_NAT_PORTS_H
#define SLUICE_STEER_NAT_PORTS_H

#include "maps/translations.h"
#include "pure/flow_reverse.h"
#include "sluice/flow.h"
#include "sluice/limits.h"
#include "steer/service_lookup.h"
#include "wire/packet.h"

#define NAT_PORTS (SLUICE_SNAT_PORT_LAST - SLUICE_SNAT_PORT_FIRST + 1)
#define NAT_PORT_STRIDE 7919 /* a prime that does not divide NAT_PORTS: no candidate repeats */
#define NAT_EEXIST 17	     /* the kernel's EEXIST */

/* NULL also if the entry is void, because its backend was removed (purge.bpf.c). */
static __always_inline struct sluice_translation *nat_find(const struct sluice_flow *flow)
{
	struct sluice_translation *known = bpf_map_lookup_elem(&translations, flow);

	return known && known->backend ? known : NULL;
}

static __always_inline bool nat_state_is_last(__u8 state)
{
	return state == SLUICE_TRANSLATION_FINISHED || state == SLUICE_TRANSLATION_RESET;
}

/* Both directions closed, or reset: only repeated last ACKs can follow. */
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

/* Do both entries belong to one connection? The 5-tuple may have begun anew on another port. */
static __always_inline bool nat_are_one(const struct sluice_flow *reply_key,
					const struct sluice_translation *reply,
					const struct sluice_translation *forward)
{
	return forward->backend == reply->backend &&
	       forward->translated_tuple.source_port == reply_key->destination_port;
}

/* Is the flow that holds the port dead? `forward`: its other entry, or NULL. */
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
	/* Half open: the server answers the SYNs of a flood, and the client never confirms. */
	else if (reply->state == SLUICE_TRANSLATION_OPENING ||
		 (forward && forward->state == SLUICE_TRANSLATION_OPENING))
		limit_s = SLUICE_SNAT_OPENING_S;
	else
		limit_s = SLUICE_SNAT_ESTABLISHED_S;
	return silence_s > limit_s;
}

/*
 * State of the search for a port. During the search `translation` is the entry of the reply, which
 * claims the port. Afterwards it is that of the packet.
 */
struct nat_search {
	struct sluice_flow reply_key;
	struct sluice_translation translation;
	__u32 first;
	__u32 now_s;
	enum sluice_verdict verdict; /* UNDECIDED: the port in reply_key is ours */
};

/* In a per-CPU map: in 6.1 the callback of bpf_loop shares the 512 bytes of the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct nat_search);
	__uint(max_entries, 1);
} nat_searches SEC(".maps");

/* Deletes the entries of a dead flow. If several CPUs try, one succeeds. */
static __always_inline bool nat_take_over(const struct sluice_flow *reply_key, __u32 now_s)
{
	struct sluice_translation *reply = bpf_map_lookup_elem(&translations, reply_key);
	struct sluice_translation *forward;
	struct sluice_flow forward_key;

	if (!reply)
		return true;
	forward_key = flow_reverse(&reply->translated_tuple);
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

/* Is that port a service of this instance? Replies to it would match the service. */
static __always_inline bool nat_is_service(const struct sluice_flow *reply_key)
{
	__u64 high = address_high(&reply_key->destination);
	__u64 low = address_low(&reply_key->destination);
	__u64 sum = address_hash_sum(seed.words, high, low);

	return service_listens(high, low, sum,
			       service_word(reply_key->destination_port, reply_key->l4_proto)) ||
	       service_listens(high, low, sum, service_word(0, reply_key->l4_proto));
}

/* One candidate. The first round accepts free ports only, the second also those of dead flows. */
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
	if (error == -NAT_EEXIST)
		return 0;
	search->verdict = error ? SLUICE_VERDICT_TABLE_FULL : UNDECIDED;
	return 1;
}

#endif
