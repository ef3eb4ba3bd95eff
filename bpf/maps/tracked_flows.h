/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows of moving slots and their backends (pure/tracking.h). Written by `steer_slow` and `purge`.
 * LRU: under a flood the entry that was unused for longest is evicted, and no insertion fails. An
 * entry whose backend is 0 is void: its backend was removed.
 */
#ifndef SLUICE_MAPS_TRACKED_FLOWS_H
#define SLUICE_MAPS_TRACKED_FLOWS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/limits.h"

/* Established. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_tracked_flow);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

/* Only SYNs were seen. A SYN flood evicts entries of this table alone. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_tracked_flow);
	__uint(max_entries, SLUICE_HALF_OPEN_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} half_open SEC(".maps");

#endif
