/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The rate for TCP's own pacing: bytes of payload a second, for a window or a policy. */
#ifndef SLUICE_PURE_PACING_H
#define SLUICE_PURE_PACING_H

#include <linux/types.h>

/*
 * Gains over window / RTT, in percent: room to double in slow start, a margin after it, and none
 * where there is no room, as before a policer.
 */
#define PACING_SLOW_START 200
#define PACING_AVOIDANCE 120
#define PACING_POLICED 100
#define PACING_FIRST_RTT_US 1000      /* the RTT before the first sample */
#define PACING_PAIR_US 1000	      /* two packets that take longer leave one by one */
#define PACING_RATE_MOST (1ull << 40) /* bytes a second: in effect no limit */

/* Bytes of payload a second that let `packets` leave in 100 / `gain` of an RTT. */
static inline __u64 pacing_rate(__u32 packets, __u32 mss_bytes, __u32 rtt_us, __u32 gain)
{
	if (!rtt_us)
		rtt_us = PACING_FIRST_RTT_US;
	return (__u64)packets * mss_bytes * 1000000 / rtt_us * gain / 100;
}

/*
 * The payload's part of a wire rate, in packets of full size. TCP's own pacing counts payload only;
 * a policy counts the headers, too.
 */
static inline __u64 pacing_payload_rate(__u64 wire_rate, __u32 mss_bytes, __u32 header_bytes)
{
	if (!mss_bytes || wire_rate >= PACING_RATE_MOST)
		return wire_rate;
	return wire_rate * mss_bytes / (mss_bytes + header_bytes);
}

/* Packets in flight that carry this payload rate over this RTT; at least 2. */
static inline __u32 pacing_window(__u64 payload_rate, __u32 mss_bytes, __u32 rtt_us)
{
	__u64 packets;

	if (!mss_bytes || payload_rate >= PACING_RATE_MOST)
		return 0x7fffffff;
	if (!rtt_us)
		rtt_us = PACING_FIRST_RTT_US;
	packets = payload_rate * rtt_us / 1000000 / mss_bytes + 1;
	if (packets > 0x7fffffff)
		return 0x7fffffff;
	return packets < 2 ? 2 : (__u32)packets;
}

/*
 * Packets of the smallest burst. To save work TCP sends at once what its rate carries in a
 * millisecond, and at least two packets. Where two take longer than that, they would queue, or
 * overflow a small buffer (BBR does the same below 1.2 mbit).
 */
static inline __u32 pacing_least_burst(__u64 rate, __u32 mss_bytes)
{
	return rate * PACING_PAIR_US < 2000000ull * mss_bytes ? 1 : 2;
}

#endif
