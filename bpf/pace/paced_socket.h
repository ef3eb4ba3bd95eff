/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets that pace themselves: `sockets` sets their rate, and `pace` does not police them. */
#ifndef SLUICE_PACE_PACED_SOCKET_H
#define SLUICE_PACE_PACED_SOCKET_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/paced_sockets.h"
#include "sluice/pace.h"

/* Was the packet sent by a local socket that TCP paces at our rate? */
static __always_inline bool paced_socket_sent(struct __sk_buff *skb)
{
	struct sluice_paced_socket *paced;
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return false;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return false;
	paced = bpf_sk_storage_get(&paced_sockets, sk, NULL, 0);
	return paced && paced->rate_bytes_per_sec;
}

#endif
