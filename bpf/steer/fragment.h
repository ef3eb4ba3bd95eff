/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Only the first fragment of a packet has ports. Its backend is tracked under the fields that all
 * fragments share (RFC 791, 3.2; RFC 8200, 4.5), and the later ones follow it. A fragment that
 * arrives before the first one passes, because it may be for this host.
 */
#ifndef SLUICE_STEER_FRAGMENT_H
#define SLUICE_STEER_FRAGMENT_H

#include "maps/fragments.h"
#include "sluice/flow.h"
#include "steer/flow_table.h"
#include "wire/packet.h"

static __always_inline struct sluice_fragment_key fragment_key(const struct packet *packet)
{
	struct sluice_fragment_key key = {
		.source = address_of(packet->source_high, packet->source_low),
		.destination = address_of(packet->destination_high, packet->destination_low),
		.id = packet->fragment_id,
		.l4_proto = packet->l4_proto,
	};

	return key;
}

/* `backend` 0: a reply to the client. `translated`: the packet leaves as `translated_tuple`. */
static __always_inline void fragment_track(const struct packet *packet, __u32 service,
					   __u32 backend, bool translated,
					   const struct sluice_flow *translated_tuple)
{
	struct sluice_fragment_key key = fragment_key(packet);
	struct sluice_fragment fragment = {
		.source = translated_tuple->source,
		.destination = translated_tuple->destination,
		.service = service,
		.backend = backend,
		.seen_s = flow_now_s(),
		.translated = translated,
	};

	bpf_map_update_elem(&fragments, &key, &fragment, BPF_ANY);
}

/* NULL: the first fragment was not seen, or so long ago that it was another packet's. */
static __always_inline struct sluice_fragment *fragment_find(const struct packet *packet)
{
	struct sluice_fragment_key key = fragment_key(packet);
	struct sluice_fragment *fragment = bpf_map_lookup_elem(&fragments, &key);

	if (!fragment || flow_now_s() - fragment->seen_s > SLUICE_FRAGMENT_S)
		return NULL;
	return fragment;
}

#endif
