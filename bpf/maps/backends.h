/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backends, by number. Read by `steer_slow`, `punt` and `probe`; written by user space. An
 * array, because its lookup is inlined.
 */
#ifndef SLUICE_MAPS_BACKENDS_H
#define SLUICE_MAPS_BACKENDS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_backend);
	__uint(max_entries, SLUICE_BACKENDS_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} backends SEC(".maps");

#endif
