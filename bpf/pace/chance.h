/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loss and marks by choice, to test a service with: each packet to a client has the policy's
 * chance. A packet that is yet to be segmented is lost or marked whole.
 */
#ifndef SLUICE_PACE_CHANCE_H
#define SLUICE_PACE_CHANCE_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CHANCE_MILLION 1000000ull

static __always_inline bool chance_hits(__u32 ppm)
{
	return ppm && (bpf_get_prandom_u32() * CHANCE_MILLION >> 32) < ppm;
}

#endif
