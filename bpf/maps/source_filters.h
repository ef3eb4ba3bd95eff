/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Source prefixes that a service allows or denies. A trie, because the longest prefix decides.
 */
#ifndef SLUICE_MAPS_SOURCE_FILTERS_H
#define SLUICE_MAPS_SOURCE_FILTERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_filter_key);
	__type(value, __u32);
	__uint(max_entries, SLUICE_SOURCE_FILTERS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} source_filters SEC(".maps");

#endif
