/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loss and marks by choice, to test a service with: each packet to a client has the policy's
 * chance. A packet that is yet to be segmented is lost or marked whole.
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
