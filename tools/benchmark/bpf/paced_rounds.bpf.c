// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One round of a benchmark in tc: turns the packet into one of the next flow, clears the departure
 * time of the last round, and tail-calls the program under test. With `tc_empty` as that program, a
 * round costs the overhead that is to be subtracted. BPF_PROG_TEST_RUN repeats rounds and resets
 * nothing; a pacer does not change the packet.
 *
 * rounds.bpf.c does the same in XDP. Limit: the program under test loads words that were just
 * stored, unlike those of a real packet, which may cost it a few ns.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "paced_rounds.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tc_under_test SEC(".maps");

struct paced_rounds paced_rounds = {};

/* A bijection: each flow has its own client, in an order that no prefetcher predicts. */
static __always_inline __u32 scramble(__u32 number)
{
	number *= 0x9e3779b1;
	number ^= number >> 15;
	number *= 0x85ebca6b;
	return number ^ number >> 13;
}

static __always_inline int paced_round(struct __sk_buff *skb, __u32 client_at, __u32 port_at)
{
	void *data = (void *)(long)skb->data;
	__u32 flow = paced_rounds.next;
	__u32 client = scramble(flow + 1);

	if (data + port_at + sizeof(__u16) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	*(__u32 *)(data + client_at) = client;
	*(__u16 *)(data + port_at) = client | 0x8080;
	paced_rounds.next = flow + 1 < paced_rounds.flows ? flow + 1 : 0;
	paced_rounds.count++;
	bpf_skb_set_tstamp(skb, 0, BPF_SKB_TSTAMP_UNSPEC);
	bpf_tail_call(skb, &tc_under_test, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int paced_round_v4(struct __sk_buff *skb)
{
	return paced_round(skb, PACED_CLIENT_V4, PACED_PORT_V4);
}

SEC("tc")
int paced_round_v6(struct __sk_buff *skb)
{
	return paced_round(skb, PACED_CLIENT_V6, PACED_PORT_V6);
}

SEC("tc")
int tc_empty(struct __sk_buff *skb)
{
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
