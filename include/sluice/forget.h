/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What user space hands to the program `forget`, which says of flows that their backend has left.
 */
#ifndef SLUICE_FORGET_H
#define SLUICE_FORGET_H

#include "sluice/flow.h"

#define SLUICE_FORGOTTEN_AT_ONCE 4096

enum sluice_forgotten_table {
	SLUICE_FORGOTTEN_HALF_OPEN,
	SLUICE_FORGOTTEN_FLOW,
	SLUICE_FORGOTTEN_TRANSLATION,
};

struct sluice_forgotten {
	struct sluice_flow flow;
	__u32 backend; /* that it had when it was read */
};

#endif
