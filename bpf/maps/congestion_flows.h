/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What `congestion` publishes: the state of each socket, and the sums of each service.
 */
#ifndef SLUICE_MAPS_CONGESTION_FLOWS_H
#define SLUICE_MAPS_CONGESTION_FLOWS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/congestion.h"
#include "sluice/flow.h"
#include "sluice/limits.h"

/* A hash without LRU: the entry lives as long as its socket. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_congestion_flow);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} congestion_flows SEC(".maps");

/* Index: service number. Per CPU, so that CPUs share no cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_congestion_service);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} congestion_services SEC(".maps");

#endif
