/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Admission of a client's packet to a service: source filter, new connections per second, bytes per
 * second.
 */
#ifndef SLUICE_STEER_ADMIT_H
#define SLUICE_STEER_ADMIT_H

#include "maps/admissions.h"
#include "maps/policies.h"
#include "maps/source_filters.h"
#include "pure/gcra.h"
#include "pure/policing.h"
#include "sluice/service.h"
#include "sluice/time.h"
#include "steer/service_prefix.h"
#include "wire/packet.h"

/* The longest prefix that contains the source decides. Without one the service's flag decides. */
static __always_inline bool admit_source(const struct packet *packet, const struct service *service)
{
	struct sluice_filter_key key = {
		.bits = SLUICE_FILTER_KEY_BITS + 8 * sizeof(key.address),
		.service = service->number,
	};
	__u32 *action;

	__builtin_memcpy(key.address, &packet->source_high, 8);
	__builtin_memcpy(key.address + 8, &packet->source_low, 8);
	action = bpf_map_lookup_elem(&source_filters, &key);
	if (action)
		return *action & SLUICE_FILTER_ALLOW;
	return !(service->flags & SLUICE_SERVICE_DENIES);
}

static __always_inline bool admit_connection(__u32 service)
{
	struct sluice_admission *admission = bpf_map_lookup_elem(&admissions, &service);
	struct sluice_policy *policy = policy_find(service);
	__u64 interval_ns, burst_ns = SLUICE_ADMISSION_BURST_MS * SLUICE_NS_PER_MS;

	if (!admission || !policy || !policy->connections_per_sec)
		return true;
	interval_ns = SLUICE_NS_PER_SEC / policy->connections_per_sec;
	/* At a rate so low that one connection exceeds the burst, they are admitted one by one. */
	if (interval_ns > burst_ns)
		burst_ns = 0;
	return gcra_pass(&admission->due_ns, bpf_ktime_get_ns(), interval_ns, burst_ns);
}

/* The rate is that of all clients of the service together. */
static __always_inline bool admit_bytes(__u32 service, __u32 bytes)
{
	struct sluice_policy *policy = policy_find(service);
	struct sluice_admission *policing;
	__u64 rate;

	if (!policy || !policy->ingress_rate_bytes_per_sec)
		return true;
	rate = policy->ingress_rate_bytes_per_sec;
	policing = bpf_map_lookup_elem(&policings, &service);
	return !policing || policing_pass(&policing->due_ns, bpf_ktime_get_ns(), bytes, rate);
}

/* UNDECIDED: admitted. Datagrams are not counted as connections. */
static __always_inline enum sluice_verdict admit(const struct packet *packet,
						 const struct service *service)
{
	if (service->flags & SLUICE_SERVICE_FILTERED && !admit_source(packet, service))
		return SLUICE_VERDICT_SOURCE_DENIED;
	if (service->flags & SLUICE_SERVICE_LIMITED && packet->opens && !packet->datagram &&
	    !admit_connection(service->number))
		return SLUICE_VERDICT_CONNECTION_RATE;
	if (service->flags & SLUICE_SERVICE_POLICED &&
	    !admit_bytes(service->number, packet->l3_offset + packet->ip_bytes))
		return SLUICE_VERDICT_INGRESS_RATE;
	return UNDECIDED;
}

#endif
