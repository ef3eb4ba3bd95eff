/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may use a service, and how many new connections and bytes a second it takes.
 */
#ifndef SLUICE_STEER_ADMIT_H
#define SLUICE_STEER_ADMIT_H

#include "maps/admissions.h"
#include "maps/policies.h"
#include "maps/source_filters.h"
#include "pure/police.h"
#include "sluice/service.h"
#include "steer/packet.h"
#include "steer/service.h"

#define ADMIT_TRIES 4
#define NS_PER_SECOND 1000000000ull
#define NS_PER_MS 1000000ull

/* The longest prefix of the service that has the source decides; where there is none, a flag does.
 */
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

/*
 * The generic cell rate algorithm, by compare-and-swap: no lock, and no token is ever lost. Under
 * so much contention that no try succeeds the connection is admitted: others were, a moment ago.
 */
static __always_inline bool admit_connection(__u32 service)
{
	struct sluice_admission *admission = bpf_map_lookup_elem(&admissions, &service);
	struct sluice_policy *policy = policy_find(service);
	__u64 now = bpf_ktime_get_ns();
	__u64 due, from, interval;

	if (!admission || !policy || !policy->connections_per_sec)
		return true;
	interval = NS_PER_SECOND / policy->connections_per_sec;
	for (int i = 0; i < ADMIT_TRIES; i++) {
		due = admission->due_ns;
		from = due > now ? due : now;
		/* At least one at once, however low the rate. */
		if (from - now > SLUICE_ADMISSION_BURST_MS * NS_PER_MS ||
		    (from > now && interval > SLUICE_ADMISSION_BURST_MS * NS_PER_MS))
			return false;
		if (__sync_val_compare_and_swap(&admission->due_ns, due, from + interval) == due)
			return true;
	}
	return true;
}

/* What clients send, all of it together. */
static __always_inline bool admit_bytes(__u32 service, __u32 bytes)
{
	struct sluice_policy *policy = policy_find(service);
	struct sluice_admission *policing;
	__u64 rate;

	if (!policy || !policy->ingress_rate_bytes_per_sec)
		return true;
	rate = policy->ingress_rate_bytes_per_sec;
	policing = bpf_map_lookup_elem(&policings, &service);
	return !policing || police_pass(&policing->due_ns, bpf_ktime_get_ns(),
					departure_cost_ns(bytes, rate), police_burst_ns(rate));
}

/* UNDECIDED: it may go on. A datagram begins nothing that could be counted. */
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
