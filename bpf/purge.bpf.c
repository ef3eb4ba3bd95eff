// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * purge, run by user space when a backend leaves: entries that name it name nobody from then on.
 *
 * Here, because user space can do nothing but delete a key, whatever lies under it by then: between
 * its look and its deletion a client may use the 5-tuple again, and the entry of the new connection
 * would go, and the connection with it. So an entry is not deleted but compared and swapped in
 * place. One that steer has replaced since names another backend and stays; one whose memory has
 * become another flow's does so, too, for nobody remembers a backend that leaves.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/translations.h"
#include "sluice/purge.h"
#include "maps/tracked_flows.h"

/* What to purge, in one table; user space fills it. */
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
