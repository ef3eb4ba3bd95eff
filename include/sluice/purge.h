/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What user space hands to the program `purge`, which says of flows that their backend has left.
 */
#ifndef SLUICE_PURGE_H
#define SLUICE_PURGE_H

#include "sluice/flow.h"

#define SLUICE_PURGE_BATCH 4096

enum sluice_purge_table {
	SLUICE_PURGE_HALF_OPEN,
	SLUICE_PURGE_FLOW,
	SLUICE_PURGE_TRANSLATION,
};

struct sluice_purge_entry {
	struct sluice_flow flow;
	__u32 backend; /* that it had when it was read */
};

#endif
