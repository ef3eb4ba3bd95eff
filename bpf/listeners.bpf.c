// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * listeners: iterates over the TCP sockets of a network namespace and sets the congestion control
 * of those that listen on one endpoint; the connections they accept inherit it. `sluice congestion
 * load --listener` runs it once, `unload` runs it in reverse. It writes each socket that it
 * changed, with its previous congestion control. Nothing stays loaded.
 *
 * Limit: a socket that begins to listen later has its namespace's default.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "wire/mapped_address.h"
#include "kernel_types.h"
#include "sluice/choice.h"

#define LISTENING 10	  /* include/net/tcp_states.h, TCP_LISTEN */
#define SOL_TCP 6	  /* include/linux/socket.h */
#define TCP_CONGESTION 13 /* include/uapi/linux/tcp.h */

/* Sockets that listen on this port of this address, or of all addresses. */
const volatile struct sluice_address address;
const volatile __u16 port;
/* Only sockets with this congestion control; empty: with any. */
const volatile char only[SLUICE_CONGESTION_NAME_LENGTH];
/* The congestion control to set. A variable, because the helper takes no read-only pointer. */
char wanted[SLUICE_CONGESTION_NAME_LENGTH];

static __always_inline void bound_to(struct sock_common *common, struct sluice_address *bound)
{
	__be32 *words = (__be32 *)bound->bytes;

	if (common->skc_family == KERNEL_AF_INET6) {
		words[0] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[0];
		words[1] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[1];
		words[2] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[2];
		words[3] = common->skc_v6_rcv_saddr.in6_u.u6_addr32[3];
	} else {
		address_map_v4(words, common->skc_rcv_saddr);
	}
}

/* Does the socket accept connections to the address? An IPv6 socket on :: accepts IPv4, too. */
static __always_inline bool takes(const struct sluice_address *bound, __u16 family)
{
	const volatile __be32 *asked = (const volatile __be32 *)address.bytes;
	const __be32 *words = (const __be32 *)bound->bytes;
	bool every = !words[0] && !words[1] && !words[3] &&
		     (family == KERNEL_AF_INET6 ? !words[2] : address_is_v4(asked));

	return every || (words[0] == asked[0] && words[1] == asked[1] && words[2] == asked[2] &&
			 words[3] == asked[3]);
}

SEC("iter/tcp")
int listeners(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct sluice_listener changed = {};
	struct tcp_sock *tp;

	if (!common || common->skc_state != LISTENING || common->skc_num != port)
		return 0;
	bound_to(common, &changed.address);
	if (!takes(&changed.address, common->skc_family))
		return 0;
	tp = bpf_skc_to_tcp_sock(common);
	if (!tp)
		return 0;
	changed.port = common->skc_num;
	if (bpf_getsockopt(tp, SOL_TCP, TCP_CONGESTION, changed.before, sizeof(changed.before)))
		return 0;
	if (only[0] && bpf_strncmp(changed.before, sizeof(changed.before), (const char *)only))
		return 0;
	if (bpf_setsockopt(tp, SOL_TCP, TCP_CONGESTION, wanted, sizeof(wanted)))
		return 0;
	bpf_seq_write(ctx->meta->seq, &changed, sizeof(changed));
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
