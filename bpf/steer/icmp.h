/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ICMP messages that steer itself sends: echo replies for a service's address, and the error
 * that a packet is too big for the path to its backend (RFC 1191, RFC 8201). Both leave through the
 * device that the packet came from.
 */
#ifndef SLUICE_STEER_ICMP_H
#define SLUICE_STEER_ICMP_H

#include "maps/reports.h"
#include "pure/checksum.h"
#include "pure/gcra.h"
#include "sluice/limits.h"
#include "sluice/time.h"
#include "wire/packet.h"

/*
 * How much of the packet an error quotes: more than any stack needs, at most what one call of
 * bpf_csum_diff() accepts, and less than any packet that is too big for a usable path.
 */
#define ICMP_QUOTE_BYTES 512
#define ICMP_TTL 64

static __always_inline bool icmp_may_report(void)
{
	const __u64 interval_ns = SLUICE_NS_PER_SEC / SLUICE_REPORTS_PER_S;
	__u32 zero = 0;
	__u64 *due_ns = bpf_map_lookup_elem(&reports, &zero);

	return due_ns && gcra_pass(due_ns, bpf_ktime_get_ns(), interval_ns,
				   SLUICE_REPORTS_BURST * interval_ns);
}

static __always_inline void icmp_swap_macs(struct ethhdr *eth)
{
	__u8 mac[ETH_ALEN];

	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
}

/* Turns an echo request into its reply, in place; tags stay. The TTL starts anew. */
static __always_inline bool icmp_answer_echo(struct xdp_md *ctx, const struct packet *packet)
{
	void *data = frame_begin(ctx);
	void *end = frame_end(ctx);
	struct icmp_header *icmp;
	__u8 answer;

	if (data + sizeof(struct ethhdr) > end)
		return false;
	if (packet->v6) {
		struct ipv6hdr *ip = frame_at(data, packet->l3_offset);
		struct in6_addr address;

		if ((void *)(ip + 1) > end)
			return false;
		address = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = address;
		ip->hop_limit = ICMP_TTL;
		answer = ICMPV6_ECHO_REPLY;
	} else {
		struct iphdr *ip = frame_at(data, packet->l3_offset);
		__be32 address;

		if ((void *)(ip + 1) > end)
			return false;
		address = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = address;
		ip->check = checksum_replace2(ip->check, bpf_htons(ip->ttl << 8),
					      bpf_htons(ICMP_TTL << 8));
		ip->ttl = ICMP_TTL;
		answer = ICMP_ECHO_REPLY;
	}
	icmp = frame_at(data, packet->l4_offset);
	if ((void *)(icmp + 1) > end)
		return false;
	icmp->checksum = checksum_replace2(icmp->checksum, *(__u16 *)icmp,
					   bpf_htons(answer << 8 | icmp->code));
	icmp->type = answer;
	icmp_swap_macs(data);
	return true;
}

/* The IP header of an error. `bytes`: of its payload. */
static __always_inline void icmp_fill_v4(struct iphdr *ip, const struct packet *packet, __u32 bytes)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(sizeof(*ip) + bytes);
	ip->ttl = ICMP_TTL;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = address_v4(packet->destination_low);
	ip->daddr = address_v4(packet->source_low);
	ip->check = (__u16)~checksum_fold64(
		(__u64)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
}

static __always_inline void icmp_fill_v6(struct ipv6hdr *ip, const struct packet *packet,
					 __u32 bytes)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(bytes);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ICMP_TTL;
	*(__u64 *)&ip->saddr = packet->destination_high;
	*((__u64 *)&ip->saddr + 1) = packet->destination_low;
	*(__u64 *)&ip->daddr = packet->source_high;
	*((__u64 *)&ip->daddr + 1) = packet->source_low;
}

/*
 * Turns a packet into the error that it is longer than `mtu`. Nothing of the packet may have been
 * changed before, because its sender matches the quote. False: it is tagged or too short.
 */
static __always_inline bool icmp_report_too_big(struct xdp_md *ctx, const struct packet *packet,
						__u32 mtu)
{
	const __u32 quote_bytes = sizeof(struct icmp_header) + ICMP_QUOTE_BYTES;
	__u32 ip_header = packet->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	__u64 length = bpf_xdp_get_buff_len(ctx);
	struct icmp_header *icmp;
	struct ethhdr kept;
	void *data, *end;
	__u64 sum;

	if (length < packet->l3_offset + ICMP_QUOTE_BYTES ||
	    packet->l3_offset != sizeof(struct ethhdr) ||
	    bpf_xdp_adjust_tail(ctx, (int)(packet->l3_offset + ICMP_QUOTE_BYTES) - (int)length))
		return false;
	data = frame_begin(ctx);
	if (data + sizeof(kept) > frame_end(ctx))
		return false;
	kept = *(struct ethhdr *)data;
	if (bpf_xdp_adjust_head(ctx, -(int)(ip_header + sizeof(*icmp))))
		return false;
	data = frame_begin(ctx);
	end = frame_end(ctx);
	if (data + sizeof(kept) + sizeof(struct ipv6hdr) + quote_bytes > end &&
	    data + sizeof(kept) + sizeof(struct iphdr) + quote_bytes > end)
		return false;
	if (data + sizeof(kept) > end)
		return false;
	*(struct ethhdr *)data = kept;
	icmp_swap_macs(data);
	if (packet->v6) {
		struct ipv6hdr *ip = data + sizeof(kept);

		icmp = (void *)(ip + 1);
		if ((void *)icmp + quote_bytes > end)
			return false;
		icmp_fill_v6(ip, packet, quote_bytes);
		icmp->type = ICMPV6_PACKET_TOO_BIG;
		icmp->rest = bpf_htonl(mtu);
		/* RFC 8200, 8.1: the pseudo header. Its two addresses are adjacent. */
		sum = bpf_csum_diff(NULL, 0, (__be32 *)&ip->saddr, 2 * sizeof(ip->saddr),
				    bpf_htonl(quote_bytes));
		sum += bpf_htonl(IPPROTO_ICMPV6);
	} else {
		struct iphdr *ip = data + sizeof(kept);

		icmp = (void *)(ip + 1);
		if ((void *)icmp + quote_bytes > end)
			return false;
		icmp_fill_v4(ip, packet, quote_bytes);
		icmp->type = ICMP_UNREACHABLE;
		icmp->rest = bpf_htonl(mtu & 0xffff);
		sum = 0;
	}
	icmp->code = packet->v6 ? 0 : ICMP_FRAGMENTATION_NEEDED;
	icmp->checksum = 0;
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)icmp, sizeof(*icmp), 0);
	sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)(icmp + 1), ICMP_QUOTE_BYTES, 0);
	icmp->checksum = (__u16)~checksum_fold64(sum);
	return true;
}

#endif
