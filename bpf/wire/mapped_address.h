/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 among addresses of one type: mapped, ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
#ifndef SLUICE_WIRE_MAPPED_ADDRESS_H
#define SLUICE_WIRE_MAPPED_ADDRESS_H

#include <stdbool.h>

#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline void address_map_v4(__be32 *words, __be32 v4)
{
	words[0] = words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = v4;
}

static __always_inline bool address_is_v4(const volatile __be32 *words)
{
	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

#endif
