// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sockets: sock_ops at the root of the control groups. Where no fq honours departure times, TCP
 * paces itself, at a rate that this program sets for each socket of a service with a rate. Any
 * congestion control keeps below SO_MAX_PACING_RATE, and setting it starts TCP's own timer
 * (sk_setsockopt() in net/core/sock.c: sk_pacing_status becomes SK_PACING_NEEDED).
 *
 * The program runs when a connection is established and at every new RTT sample, so a changed
 * policy reaches a sending socket within a round trip. Through map `paced_sockets`, `pace` knows
 * the sockets that it need not police.
 *
 * Limits: a connection older than the attachment is policed instead, and so is UDP. A rate beyond
 * 32 bits of bytes a second (34 Gbit/s) is no limit here.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wire/mapped_address.h"
#include "kernel_types.h"
#include "pace/paced_socket.h"
#include "maps/policies.h"
#include "pure/pacing.h"

#define SOCKET_NO_LIMIT 0xffffffffu
#define SOCKET_LEVEL 1		    /* SOL_SOCKET */
#define SOCKET_MAX_PACING_RATE 47   /* SO_MAX_PACING_RATE */
#define SOCKET_LINK_HEADER_BYTES 14 /* rates count whole frames */

static __always_inline __u32 socket_service(struct bpf_sock_ops *ops)
{
	struct sluice_endpoint endpoint = {.port = bpf_htons(ops->local_port),
					   .l4_proto = KERNEL_IPPROTO_TCP};
	__be32 *address = (__be32 *)endpoint.address.bytes;
	__be32 v4 = ops->local_ip4;

	/* Otherwise clang merges this load with the last of those below, at a variable offset. */
	barrier_var(v4);
	address[0] = ops->local_ip6[0];
	address[1] = ops->local_ip6[1];
	address[2] = ops->local_ip6[2];
	address[3] = ops->local_ip6[3];
	if (ops->family == KERNEL_AF_INET)
		address_map_v4(address, v4);
	return endpoint_service(&endpoint);
}

/* Payload bytes a second; SOCKET_NO_LIMIT: no limit. */
static __always_inline __u32 socket_rate(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					 __u64 wire_rate)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	__u32 headers = SOCKET_LINK_HEADER_BYTES;
	__u64 rate;

	if (!wire_rate || !tcp)
		return SOCKET_NO_LIMIT;
	headers += tcp->tcp_header_len + (ops->family == KERNEL_AF_INET ? 20 : 40);
	rate = pacing_payload_rate(wire_rate, ops->mss_cache, headers);
	/* 0 would stop the socket. */
	if (!rate)
		rate = 1;
	return rate < SOCKET_NO_LIMIT ? rate : SOCKET_NO_LIMIT;
}

/* On the wire, the lower of the flow's rate and the service's. 0: no limit. */
static __always_inline __u64 socket_wire_rate(const struct sluice_policy *policy)
{
	__u64 of_all, of_one;

	if (!policy)
		return 0;
	of_one = policy->flow_rate_bytes_per_sec;
	of_all = policy->rate_bytes_per_sec;
	return of_all && (!of_one || of_all < of_one) ? of_all : of_one;
}

static __always_inline void socket_follow(struct bpf_sock_ops *ops, struct bpf_sock *sk,
					  struct sluice_paced_socket *paced)
{
	__u64 wire_rate = socket_wire_rate(policy_find(paced->service));
	__u32 rate;

	if (wire_rate == paced->rate_bytes_per_sec && ops->mss_cache == paced->mss_bytes)
		return;
	rate = socket_rate(ops, sk, wire_rate);
	if (bpf_setsockopt(ops, SOCKET_LEVEL, SOCKET_MAX_PACING_RATE, &rate, sizeof(rate)))
		return;
	paced->rate_bytes_per_sec = rate == SOCKET_NO_LIMIT ? 0 : wire_rate;
	paced->mss_bytes = ops->mss_cache;
}

SEC("sockops")
int sockets(struct bpf_sock_ops *ops)
{
	struct sluice_paced_socket *paced;
	struct bpf_sock *sk = ops->sk;
	__u32 service;

	if (!sk)
		return 1;
	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
		service = socket_service(ops);
		if (!service)
			return 1;
		paced = bpf_sk_storage_get(&paced_sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (!paced)
			return 1;
		paced->service = service;
		bpf_sock_ops_cb_flags_set(ops,
					  ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_RTT_CB_FLAG);
		socket_follow(ops, sk, paced);
	} else if (ops->op == BPF_SOCK_OPS_RTT_CB) {
		/* Another program may have enabled this callback on a socket that is not ours. */
		paced = bpf_sk_storage_get(&paced_sockets, sk, NULL, 0);
		if (paced)
			socket_follow(ops, sk, paced);
	}
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
