/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that no program reads: what the operator said, and the root of the instance. They are
 * declared with the BPF side so that they have its types, and `bpftool map dump` their names.
 */
#ifndef SLUICE_MAPS_CONFIGURATION_H
#define SLUICE_MAPS_CONFIGURATION_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/instance.h"
#include "sluice/limits.h"
#include "sluice/ring.h"
#include "sluice/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_instance);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} instance SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_release);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} release SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_name);
	__type(value, struct sluice_service_config);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} service_configs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_backend_key);
	__type(value, struct sluice_backend_config);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backend_configs SEC(".maps");

/* When a backend's number was last freed, in ns of CLOCK_MONOTONIC; 0: it was never used. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backends_freed SEC(".maps");

/*
 * Inner maps cannot name their types where they are declared (libbpf sees only a forward
 * declaration of what such a member points to); these keep the types for user space, which makes
 * the inner maps.
 */
const volatile struct sluice_ring_line *const volatile ring_line_type = 0;
const volatile struct sluice_service_bucket *const volatile service_bucket_type = 0;

#endif
