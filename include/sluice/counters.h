/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counters, per CPU; a reader adds them up. Map `verdicts`, indexed by service number; index 0
 * counts packets of no service. STEERED and TRANSLATED have no counter there: packets to a backend
 * are counted in its `backend_paths`, which the packet path reads anyway. A service's packets to
 * its backends are the sum over its backends, punted packets included.
 */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include "sluice/verdict.h"

struct sluice_counter {
	__u64 packets;
	__u64 bytes;
};

/* The counter of verdict n is the n-th; the size is the same in every version. */
struct sluice_verdict_counters {
#define SLUICE_VERDICT_FIELD(NUMBER, NAME, name, action, sentence) struct sluice_counter name;
	SLUICE_VERDICTS(SLUICE_VERDICT_FIELD)
#undef SLUICE_VERDICT_FIELD
	/* Packets and bytes of verdicts that only a later version knows. */
	__u64 reserved[2 * (SLUICE_VERDICTS_MAX - SLUICE_VERDICT_COUNT)];
};

#endif
