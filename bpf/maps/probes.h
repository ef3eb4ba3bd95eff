/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend of a health check, by the flow of the check as it leaves. LRU: finished checks age
 * out.
 */
#ifndef SLUICE_MAPS_PROBES_H
#define SLUICE_MAPS_PROBES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/flow.h"
#include "sluice/probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct sluice_flow);
	__type(value, __u32);
	__uint(max_entries, SLUICE_PROBES_MAX);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} probes SEC(".maps");

#endif
