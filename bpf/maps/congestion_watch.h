/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes of congestion state for a reader in user space, and whether there is a reader.
 */
#ifndef SLUICE_MAPS_CONGESTION_WATCH_H
#define SLUICE_MAPS_CONGESTION_WATCH_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/congestion.h"
#include "sluice/limits.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SLUICE_CONGESTION_EVENTS_BYTES);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} congestion_events SEC(".maps");

/* Mapped by the reader, which renews its time without a system call. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sluice_congestion_watch);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} congestion_watch SEC(".maps");

#endif
