/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When this CPU may next send an ICMP error, in ns of CLOCK_MONOTONIC. Per CPU, so that CPUs do not
 * contend for it; hence SLUICE_REPORTS_PER_S is per CPU, too.
 */
#ifndef SLUICE_MAPS_REPORTS_H
#define SLUICE_MAPS_REPORTS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} reports SEC(".maps");

#endif
