/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rings of all services (sluice/ring.h). Arrays, because their lookup is inlined; user space
 * maps both into its memory, writes a ring by copying it, and makes it live with one store into its
 * head.
 */
#ifndef SLUICE_MAPS_RINGS_H
#define SLUICE_MAPS_RINGS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/ring.h"

/* Index: service number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sluice_ring_head);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ring_heads SEC(".maps");

/* User space sets the number of lines. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sluice_ring_line);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ring_lines SEC(".maps");

#endif
