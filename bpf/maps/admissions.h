/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The token buckets that `steer_slow` applies to what clients send, by service number. Not per CPU:
 * the limit is the service's on all CPUs together, kept by compare-and-swap.
 */
#ifndef SLUICE_MAPS_ADMISSIONS_H
#define SLUICE_MAPS_ADMISSIONS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

/* New connections. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_admission);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} admissions SEC(".maps");

/* Bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_admission);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} policings SEC(".maps");

#endif
