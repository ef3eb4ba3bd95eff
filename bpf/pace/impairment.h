/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Impairment for tests of a service: injected loss and injected marks, at the policy's probability
 * per packet to a client. A packet that is segmented later is lost or marked as a whole.
 */
#ifndef SLUICE_PACE_IMPAIRMENT_H
#define SLUICE_PACE_IMPAIRMENT_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define IMPAIRMENT_MILLION 1000000ull

static __always_inline bool impairment_hits(__u32 ppm)
{
	return ppm && (bpf_get_prandom_u32() * IMPAIRMENT_MILLION >> 32) < ppm;
}

#endif
