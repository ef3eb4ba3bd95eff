/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services whose address is a prefix. Read by `decap`, and by `steer_slow` if
 * SLUICE_FEATURE_PREFIXES is set. A trie, because the longest prefix decides.
 */
#ifndef SLUICE_MAPS_SERVICE_PREFIXES_H
#define SLUICE_MAPS_SERVICE_PREFIXES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_prefix_key);
	__type(value, struct sluice_service_entry);
	__uint(max_entries, 2 * SLUICE_SERVICES_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} service_prefixes SEC(".maps");

#endif
