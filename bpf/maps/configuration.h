/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The configuration and the root of the instance. No program reads what is declared here. It is in
 * a BPF object so that `bpftool map dump` knows their types.
 */
#ifndef SLUICE_MAPS_CONFIGURATION_H
#define SLUICE_MAPS_CONFIGURATION_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/service_configs.h"
#include "sluice/instance.h"
#include "sluice/limits.h"
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
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sluice_backend_config);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backend_configs SEC(".maps");

/*
 * Index: backend number. When it was last freed, in ns of CLOCK_MONOTONIC; 0: it was never used.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backends_freed SEC(".maps");

/*
 * The value type of the inner maps of `service_tables`, which user space creates. A declaration of
 * an inner map cannot name it: libbpf then sees a forward declaration only.
 */
const volatile struct sluice_service_bucket *const volatile service_bucket_type = 0;

#endif
