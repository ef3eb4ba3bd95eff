/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables in which flows are tracked with their backends. An entry whose backend is 0 names
 * nobody: its backend has left.
 */
#ifndef SLUICE_MAPS_TRACKED_FLOWS_H
#define SLUICE_MAPS_TRACKED_FLOWS_H

#include "sluice/flow.h"
#include "sluice/limits.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_tracked_flow);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_tracked_flow);
	__uint(max_entries, SLUICE_HALF_OPEN_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} half_open SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, struct sluice_translation);
	__uint(max_entries, 2 * SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} translations SEC(".maps");

#endif
