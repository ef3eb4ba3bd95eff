/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The departure table (pace/departure_table.h): slots of flows, in lines of one cache line, and for
 * each slot the name of its flow, which only readers in user space need.
 */
#ifndef SLUICE_MAPS_DEPARTURES_H
#define SLUICE_MAPS_DEPARTURES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/departure.h"
#include "sluice/limits.h"

/* Mapped memory begins at a page, so each line of the table is one cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sluice_departure_line);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT / SLUICE_DEPARTURES_OF_LINE);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} departures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_departure_name);
	__uint(max_entries, SLUICE_FLOWS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} departure_names SEC(".maps");

#endif
