/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of services, and the filter before it. Read by `steer` for every packet, written by
 * user space.
 */
#ifndef SLUICE_MAPS_SERVICES_H
#define SLUICE_MAPS_SERVICES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/limits.h"
#include "sluice/service.h"

/*
 * All tables of an instance have the size that was chosen at its creation. The verifier knows that
 * size and turns the lookup of a bucket into a few instructions without a call.
 */
struct service_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct sluice_service_bucket));
	__uint(max_entries, SLUICE_SERVICES_DEFAULT);
};

/*
 * User space builds each version of the table as a new inner map and swaps it in with one update,
 * so that a packet sees the old table or the new one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct service_table);
} service_tables SEC(".maps");

/*
 * A variable and not an array: a program reads it at its address, without a helper call. Pinned as
 * map `address_filter`.
 */
struct sluice_address_filter address_filter SEC(".data.address_filter") = {};

#endif
