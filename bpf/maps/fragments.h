/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the first fragment of a packet went, for the later ones. LRU: fragments that never complete
 * age out.
 */
#ifndef SLUICE_MAPS_FRAGMENTS_H
#define SLUICE_MAPS_FRAGMENTS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/limits.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_fragment_key);
	__type(value, struct sluice_fragment);
	__uint(max_entries, SLUICE_FRAGMENTS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} fragments SEC(".maps");

#endif
