/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rates that the flows of a service share, and the weights by which they share them.
 */
#ifndef SLUICE_MAPS_SHARES_H
#define SLUICE_MAPS_SHARES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/departure.h"
#include "sluice/limits.h"
#include "sluice/service.h"

/* Key: service number. A hash, so that memory follows the services that have such a rate. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct sluice_share);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shares SEC(".maps");

/* Client prefixes of a service: struct sluice_filter_key to weight. The longest prefix decides. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_filter_key);
	__type(value, __u32);
	__uint(max_entries, SLUICE_CLIENT_WEIGHTS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} client_weights SEC(".maps");

#endif
