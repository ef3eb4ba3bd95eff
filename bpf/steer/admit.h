/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may use a service, and how many new connections a second it takes.
 */
#ifndef SLUICE_STEER_ADMIT_H
#define SLUICE_STEER_ADMIT_H

#include "sluice/service.h"
#include "steer/packet.h"
#include "steer/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_filter_key);
	__type(value, __u32);
	__uint(max_entries, SLUICE_SOURCE_FILTERS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} source_filters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_admission);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} admissions SEC(".maps");

#endif
