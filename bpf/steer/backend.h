/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backends, and how the kernel's routing table is asked for the way to one. Shared by `steer`
 * and by `punt`, which ends what steer began.
 */
#ifndef SLUICE_STEER_BACKEND_H
#define SLUICE_STEER_BACKEND_H

#include "maps/backends.h"
#include "sluice/service.h"
#include "steer/packet.h"

#define FAMILY_V4 2  /* AF_INET */
#define FAMILY_V6 10 /* AF_INET6 */

/* A question of where `destination` is reached from `source`. */
static __always_inline void backend_ask(struct bpf_fib_lookup *fib, __u64 source_high,
					__u64 source_low, __u64 destination_high,
					__u64 destination_low)
{
	if (destination_high == 0 && (__u32)destination_low == (__u32)address_mapped(0)) {
		fib->family = FAMILY_V4;
		fib->ipv4_src = address_v4(source_low);
		fib->ipv4_dst = address_v4(destination_low);
	} else {
		fib->family = FAMILY_V6;
		__builtin_memcpy(fib->ipv6_src, &source_high, 8);
		__builtin_memcpy(fib->ipv6_src + 2, &source_low, 8);
		__builtin_memcpy(fib->ipv6_dst, &destination_high, 8);
		__builtin_memcpy(fib->ipv6_dst + 2, &destination_low, 8);
	}
}

#endif
