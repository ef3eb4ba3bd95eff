/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The counters of every hook: a packet's verdict under its service, or under 0 where it has none.
 */
#ifndef SLUICE_MAPS_VERDICTS_H
#define SLUICE_MAPS_VERDICTS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/counters.h"
#include "sluice/limits.h"
#include "sluice/verdict.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct sluice_verdict_counters);
	__uint(max_entries, SLUICE_SERVICES_DEFAULT + 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} verdicts SEC(".maps");

/* A bit for each verdict whose action is to drop. */
#define VERDICT_DROPS(NUMBER, NAME, name, action, sentence) \
	| ((__u64)(SLUICE_ACTION_##action == SLUICE_ACTION_DROP) << SLUICE_VERDICT_##NAME)

_Static_assert(SLUICE_VERDICTS_MAX <= 64, "verdict_drops() has a bit for each");
_Static_assert(sizeof(struct sluice_verdict_counters) ==
		       SLUICE_VERDICTS_MAX * sizeof(struct sluice_counter),
	       "the same size in every version");

#define VERDICT_AT_ITS_NUMBER(NUMBER, NAME, name, action, sentence)      \
	_Static_assert(offsetof(struct sluice_verdict_counters, name) == \
			       NUMBER * sizeof(struct sluice_counter),   \
		       "verdicts are listed in the order of their numbers");
SLUICE_VERDICTS(VERDICT_AT_ITS_NUMBER)
#undef VERDICT_AT_ITS_NUMBER

static __always_inline bool verdict_drops(enum sluice_verdict verdict)
{
	const __u64 drops = 0 SLUICE_VERDICTS(VERDICT_DROPS);

	return drops >> (verdict & 63) & 1;
}

static __always_inline void count_verdict(__u32 service, enum sluice_verdict verdict, __u64 bytes)
{
	struct sluice_verdict_counters *counters = bpf_map_lookup_elem(&verdicts, &service);
	struct sluice_counter *counter;

	if (!counters || verdict >= SLUICE_VERDICT_COUNT)
		return;
	counter = (struct sluice_counter *)counters + verdict;
	counter->packets++;
	counter->bytes += bytes;
}

#endif
