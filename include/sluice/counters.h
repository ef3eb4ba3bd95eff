/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Counters, per CPU; whoever reads adds up. Map `verdicts`, indexed by service number; index 0
 * counts packets that belong to no service. STEERED and TRANSLATED have no counter there: what goes
 * to a backend is counted in its `backend_paths`, which the packet touches anyway, and and a
 * service's packets to its backends are their sum there, those punted included.
 */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include "sluice/verdict.h"

struct sluice_counter {
	__u64 packets;
	__u64 bytes;
};

struct sluice_verdict_counters {
#define SLUICE_VERDICT_FIELD(NAME, name, action, sentence) struct sluice_counter name;
	SLUICE_VERDICTS(SLUICE_VERDICT_FIELD)
#undef SLUICE_VERDICT_FIELD
};

#endif
