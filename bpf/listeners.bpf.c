// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * listeners: walks the TCP sockets of a network namespace and gives those that listen on one
 * endpoint a congestion control, which the connections that they accept inherit. Run once by
 * `sluice congestion load --listener`, and by `unload` the other way round; says of each socket
 * that it changed what it had before. Nothing of it stays loaded.
 *
 * Limits: what begins to listen later has what its namespace gives it.
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

/* Which sockets: that listen on this port of this address, or of every address. */
const volatile struct sluice_address address;
const volatile __u16 port;
/* Only those that have this one now; empty: whatever they have. */
const volatile char only[SLUICE_CONGESTION_NAME_LENGTH];
/* What they get; a variable, for the helper takes no pointer to what is read-only. */
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

/* Does it take connections to the address? An IPv6 socket on :: takes those of IPv4, too. */
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
