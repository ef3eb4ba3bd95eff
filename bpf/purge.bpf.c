// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * purge, run by user space when a backend is removed: sets the backend of entries that name it to
 * 0, which makes them void.
 *
 * User space cannot do this safely. It can only delete a key, and with it the entry that is there
 * by then: between its lookup and its deletion a client may reuse the 5-tuple, and the new
 * connection would lose its entry. This program compares and swaps the backend in place instead. An
 * entry that steer has replaced names another backend and stays. So does an entry whose memory now
 * belongs to another flow, because a backend that is being removed gets no new flows.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/translations.h"
#include "sluice/purge.h"
#include "maps/tracked_flows.h"

/* The entries to purge, all of one table. Written by user space. */
struct sluice_purge_entry purged[SLUICE_PURGE_BATCH];
__u32 count;
__u32 table; /* enum sluice_purge_table */

static __always_inline void purge_translation(const struct sluice_purge_entry *one)
{
	struct sluice_translation *translation = bpf_map_lookup_elem(&translations, &one->flow);

	if (translation)
		__sync_val_compare_and_swap(&translation->backend, one->backend, 0);
}

static __always_inline void purge_tracked(struct sluice_tracked_flow *tracked, __u32 backend)
{
	if (tracked)
		__sync_val_compare_and_swap(&tracked->backend, backend, 0);
}

static long purge_one(__u32 index, void *nothing)
{
	struct sluice_purge_entry one;

	if (index >= SLUICE_PURGE_BATCH)
		return 1;
	one = purged[index];
	if (table == SLUICE_PURGE_TRANSLATION)
		purge_translation(&one);
	else if (table == SLUICE_PURGE_HALF_OPEN)
		purge_tracked(bpf_map_lookup_elem(&half_open, &one.flow), one.backend);
	else
		purge_tracked(bpf_map_lookup_elem(&flows, &one.flow), one.backend);
	return 0;
}

SEC("syscall")
int purge(void *nothing)
{
	bpf_loop(count, purge_one, NULL, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
