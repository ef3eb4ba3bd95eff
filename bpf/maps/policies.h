/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The policy of a service, and the service of an endpoint. `policies` is read by `steer_slow`,
 * `pace`, `sockets` and `congestion`; `endpoints` by `decap`, `pace`, `sockets` and `congestion`.
 * `endpoints` holds the endpoint of each service and those of its backends, so that a server finds
 * the service of its sockets in every forwarding mode. Hashes without preallocation, because memory
 * follows the number of entries.
 */
#ifndef SLUICE_MAPS_POLICIES_H
#define SLUICE_MAPS_POLICIES_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/address.h"
#include "sluice/limits.h"
#include "sluice/policy.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sluice_endpoint);
	__type(value, __u32);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + SLUICE_BACKENDS_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct sluice_policy);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} policies SEC(".maps");

/* The service whose endpoint, or whose backend's endpoint, this is; 0: none. */
static __always_inline __u32 endpoint_service(const struct sluice_endpoint *endpoint)
{
	__u32 *service = bpf_map_lookup_elem(&endpoints, endpoint);

	return service ? *service : 0;
}

static __always_inline struct sluice_policy *policy_find(__u32 service)
{
	return bpf_map_lookup_elem(&policies, &service);
}

/*
 * True if packets to the clients of the service have to leave through tc, where `pace` is. `steer`
 * itself enforces everything else in a policy.
 */
static __always_inline bool policy_is_paced(const struct sluice_policy *policy)
{
	return policy && (policy->flow_rate_bytes_per_sec || policy->rate_bytes_per_sec ||
			  policy->loss_ppm || policy->mark_ppm);
}

static __always_inline bool policy_lowers_windows(const struct sluice_policy *policy)
{
	return policy && (policy->window_bytes || policy->window_rate_bytes_per_sec);
}

#endif
