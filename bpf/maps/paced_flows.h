/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `pace`, and the window ceiling of `steer_slow`, track of each flow of a service with a
 * policy, and the sums of each service.
 */
#ifndef SLUICE_MAPS_PACED_FLOWS_H
#define SLUICE_MAPS_PACED_FLOWS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/limits.h"
#include "sluice/pace.h"

/* LRU: under a flood the entry that was unused for longest is evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_paced_flow);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} paced_flows SEC(".maps");

/* Index: service number. Per CPU, so that counting needs no atomics. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_flow_totals);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flow_totals SEC(".maps");

#endif
