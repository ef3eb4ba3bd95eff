/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Latency of backends as `steer_slow` measures it (sluice/latency.h).
 */
#ifndef SLUICE_MAPS_MEASURES_H
#define SLUICE_MAPS_MEASURES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/latency.h"
#include "sluice/limits.h"

/* Index: service number. Until when its backends are measured, in s; 0: not. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} measures SEC(".maps");

/* Index: backend number. Per CPU, so that counting needs no atomics. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_latency);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} latencies SEC(".maps");

/* Open measurements. LRU: under a flood of SYNs measurements are lost, not packets. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_request);
	__uint(max_entries, SLUICE_REQUESTS_MAX);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} requests SEC(".maps");

#endif
