// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One round of a benchmark: restores the packet that the program under test changed, as one of the
 * next flow, and tail-calls that program. With `empty` as that program, a round costs the overhead
 * that is to be subtracted. BPF_PROG_TEST_RUN repeats rounds and resets nothing.
 *
 * Every word that the program under test loads lies within one store of this program, which stores
 * in 8-byte steps from the IP header on. A load that straddles two recent stores waits until both
 * reach the cache, about 5 ns that a real packet does not cost.
 */
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "rounds.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

struct rounds rounds = {};

/* A bijection: each flow has its own client, in an order that no prefetcher predicts. */
static __always_inline __u32 scramble(__u32 number)
{
	number *= 0x9e3779b1;
	number ^= number >> 15;
	number *= 0x85ebca6b;
	return number ^ number >> 13;
}

/* The fields that differ from round to round. */
struct difference {
	__u32 client; /* in packet order */
	__be32 service;
	__u32 ports;
};

static __always_inline struct difference difference_next(void)
{
	__u32 flow = (__u32)rounds.count & rounds.flow_mask;
	__u32 client = scramble(flow + 1);
	__u32 service = (__u64)(__u32)(client * 0xc2b2ae35) * rounds.services >> 32;
	struct difference difference = {
		.client = client,
		.service = bpf_htonl(rounds.services_at[flow & 1] + service),
		/* Source ports from 0x8000 on, in both byte orders. */
		.ports = (client & 0xffff) | 0x8080 | (__u32)rounds.port[flow & 1] << 16,
	};

	rounds.count++;
	return difference;
}

/* Removes what the last round added. Called every time, so that all rounds cost the same. */
static __always_inline int rewind_head(struct xdp_md *ctx, __u32 bytes)
{
	long length = (long)ctx->data_end - (long)ctx->data;

	return bpf_xdp_adjust_head(ctx, length - bytes);
}

static __always_inline void put(void *at, __u64 word)
{
	*(__u64 *)at = word;
}

static __always_inline void put_ethernet(void *data)
{
	put(data, rounds.ethernet[0]);
	*(__u32 *)(data + 8) = rounds.ethernet[1];
	*(__u16 *)(data + 12) = rounds.ethernet[1] >> 32;
}

SEC("xdp.frags")
int round_v4(struct xdp_md *ctx)
{
	struct difference difference = difference_next();
	void *data, *ip;

	if (rewind_head(ctx, ROUNDS_BYTES_V4))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + ROUNDS_BYTES_V4 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	ip = data + ETH_HLEN;
	put_ethernet(data);
	put(ip, rounds.headers[0]);
	put(ip + 8, rounds.headers[1] | (__u64)difference.client << 32);
	put(ip + 16, difference.service | (__u64)difference.ports << 32);
	put(ip + 24, rounds.headers[3]);
	put(ip + 32, rounds.headers[4]);
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int round_v6(struct xdp_md *ctx)
{
	struct difference difference = difference_next();
	void *data, *ip;

	if (rewind_head(ctx, ROUNDS_BYTES_V6))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + ROUNDS_BYTES_V6 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	ip = data + ETH_HLEN;
	put_ethernet(data);
	put(ip, rounds.headers[0]);
	put(ip + 8, rounds.headers[1]);
	put(ip + 16, rounds.headers[2] | (__u64)difference.client << 32);
	put(ip + 24, rounds.headers[3]);
	put(ip + 32, rounds.headers[4] | (__u64)difference.service << 32);
	put(ip + 40, rounds.headers[5] | difference.ports);
	put(ip + 48, rounds.headers[6]);
	*(__u32 *)(ip + 56) = rounds.headers[7];
	bpf_tail_call(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* The least that an encapsulation does: headroom, a header of 20 bytes, Ethernet. */
SEC("xdp.frags")
int encapsulation(struct xdp_md *ctx)
{
	void *data;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct iphdr)))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + ETH_HLEN + sizeof(struct iphdr) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	put_ethernet(data);
	put(data + ETH_HLEN, rounds.headers[0]);
	put(data + ETH_HLEN + 8, rounds.headers[1]);
	*(__u32 *)(data + ETH_HLEN + 16) = rounds.headers[2];
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
