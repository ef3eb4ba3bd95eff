/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that `congestion` reads, reduced to the fields it needs. libbpf takes the
 * offsets from the running kernel's BTF (CO-RE), so order and gaps are irrelevant here, and members
 * of unions are flat. This avoids a vmlinux.h of one particular machine.
 */
#ifndef SLUICE_BPF_KERNEL_TYPES_H
#define SLUICE_BPF_KERNEL_TYPES_H

#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num; /* local port, host order */
	__u16 skc_family;
	__u8 skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	unsigned long sk_pacing_rate;	  /* bytes a second */
	unsigned long sk_max_pacing_rate; /* SO_MAX_PACING_RATE */
	__u32 sk_pacing_status;		  /* enum sk_pacing */
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	__u32 icsk_rto;		/* jiffies */
	__u16 icsk_ext_hdr_len; /* IP options, extension headers */
	__u64 icsk_ca_priv[13]; /* 104 bytes for the congestion control, from 5.2 on */
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 tcp_mstamp; /* microseconds, CLOCK_MONOTONIC, as of this acknowledgement */
	__u64 bytes_acked;
	__u32 snd_cwnd;
	__u32 snd_cwnd_clamp;
	__u32 snd_ssthresh;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 snd_wnd;	 /* the receiver's window, bytes */
	__u32 write_seq; /* end of the data that the application has written */
	__u32 packets_out;
	__u32 retrans_out;
	__u32 lost_out;
	__u32 sacked_out;
	__u32 max_packets_out; /* of the last window */
	__u32 prior_cwnd;      /* window when recovery began */
	__u32 prr_out;	       /* packets sent since then */
	__u32 delivered;
	__u32 delivered_ce; /* of these, marked by the path */
	__u8 ecn_flags;
	__u32 lost;
	__u32 total_retrans;
	__u32 srtt_us;		/* times 8 */
	__u32 mss_cache;	/* payload of a full packet */
	__u16 tcp_header_len;	/* with its constant options */
	__u32 lsndtime;		/* jiffies: when data was last sent */
	__u32 rate_delivered;	/* packets of the last good delivery rate ... */
	__u32 rate_interval_us; /* ... and their time */
	__u8 is_cwnd_limited : 1;
};

struct rate_sample {
	__u32 prior_delivered; /* tcp_sock's `delivered` when the acknowledged packet left */
	__s32 delivered;       /* since then; -1 or 0: no sample */
	long rtt_us;	       /* -1: no sample */
	int losses;	       /* found by this acknowledgement */
	__u32 acked_sacked;    /* packets delivered by it */
};

/* An iterator over TCP sockets (kernel/bpf/bpf_iter.c, net/ipv4/tcp_ipv4.c). */
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

#pragma clang attribute pop

/* include/net/sock.h, enum sk_pacing */
#define KERNEL_PACING_NONE 0
#define KERNEL_PACING_NEEDED 1

/* include/uapi/linux/tcp.h, enum tcp_ca_state */
#define KERNEL_CA_OPEN 0
#define KERNEL_CA_DISORDER 1
#define KERNEL_CA_CWR 2
#define KERNEL_CA_RECOVERY 3
#define KERNEL_CA_LOSS 4

/*
 * include/net/tcp.h, of `ecn_flags`: Accurate ECN (RFC 9768) was negotiated, so that delivered_ce
 * is the peer's count. Older kernels do not use this bit.
 */
#define KERNEL_ECN_MODE_ACCECN 16

/* include/linux/socket.h, include/linux/in.h */
#define KERNEL_AF_INET 2
#define KERNEL_AF_INET6 10
#define KERNEL_IPPROTO_TCP 6

/* include/net/tcp.h */
#define KERNEL_CONG_NON_RESTRICTED 1 /* usable without privilege */

/*
 * The operations of a congestion control that we implement. libbpf matches them by name with the
 * running kernel's struct, which may have more.
 */
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*set_state)(struct sock *sk, __u8 new_state);
	__u32 (*min_tso_segs)(struct sock *sk);
	void (*cong_control)(struct sock *sk, const struct rate_sample *rs);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	__u32 flags;
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
};

#endif
