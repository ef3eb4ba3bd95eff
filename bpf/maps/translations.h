/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two entries of each full-NAT flow (steer/nat.h). Written by `steer_slow` and `purge`. LRU,
 * and void where the backend is 0, as in maps/tracked_flows.h.
 */
#ifndef SLUICE_MAPS_TRANSLATIONS_H
#define SLUICE_MAPS_TRANSLATIONS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/limits.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_translation);
	__uint(max_entries, 2 * SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} translations SEC(".maps");

#endif
