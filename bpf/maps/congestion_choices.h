/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Namespaces and listeners that were made to use this congestion control. Only user space reads and
 * writes it.
 */
#ifndef SLUICE_MAPS_CONGESTION_CHOICES_H
#define SLUICE_MAPS_CONGESTION_CHOICES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/choice.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_choice);
	__type(value, struct sluice_chosen);
	__uint(max_entries, SLUICE_CHOICES_MAX);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} congestion_choices SEC(".maps");

#endif
