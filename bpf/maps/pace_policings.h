/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The token bucket of bytes that `pace` applies to what clients send, by service number. Separate
 * from `policings` of `steer`: on one host a packet can pass both.
 */
#ifndef SLUICE_MAPS_PACE_POLICINGS_H
#define SLUICE_MAPS_PACE_POLICINGS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_admission);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} pace_policings SEC(".maps");

#endif
