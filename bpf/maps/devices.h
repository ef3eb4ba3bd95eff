/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The devices that `steer` is attached to: ifindex to ifindex. A devmap, because the kernel sends
 * redirected packets of one poll in bulk.
 */
#ifndef SLUICE_MAPS_DEVICES_H
#define SLUICE_MAPS_DEVICES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, SLUICE_DEVICES_MAX);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} devices SEC(".maps");

#endif
