/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hop, outer headers and counters of each backend, by number. Per CPU, so that the fast path
 * counts without atomics and shares no cache line with another CPU.
 */
#ifndef SLUICE_MAPS_BACKEND_PATHS_H
#define SLUICE_MAPS_BACKEND_PATHS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_backend_path);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backend_paths SEC(".maps");

#endif
