/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes of state for a reader: ring buffer `congestion_events`, written only while the reader's
 * entry in `congestion_watch` is valid. Without a reader a change costs one look-up.
 */
#ifndef SLUICE_CONGESTION_WATCH_H
#define SLUICE_CONGESTION_WATCH_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/congestion_watch.h"
#include "sluice/congestion.h"
#include "sluice/flow.h"
#include "sluice/limits.h"

static __always_inline void watch_report(const struct sluice_flow *name, __u32 from, __u32 to,
					 const struct sluice_congestion_flow *now)
{
	const __u32 only = 0;
	struct sluice_congestion_watch *watch = bpf_map_lookup_elem(&congestion_watch, &only);
	struct sluice_congestion_event *event;
	__u64 at_ns;

	if (!watch || !watch->until_ns)
		return;
	at_ns = bpf_ktime_get_ns();
	if (at_ns > watch->until_ns)
		return;
	event = bpf_ringbuf_reserve(&congestion_events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&watch->dropped, 1);
		return;
	}
	event->at_ns = at_ns;
	event->flow = *name;
	event->from = from;
	event->to = to;
	event->now = *now;
	bpf_ringbuf_submit(event, 0);
}

#endif
