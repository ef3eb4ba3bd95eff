/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the TCP options that the receive-window ceiling needs.
 */
#ifndef SLUICE_PURE_TCP_OPTIONS_H
#define SLUICE_PURE_TCP_OPTIONS_H

#include <linux/types.h>

#include "pure/ceiling.h"

#define TCP_OPTIONS_MAX 40    /* bytes: a data offset of 15 words */
#define TCP_OPTIONS_BUFFER 64 /* a power of two, with room to read a value at the very end */

enum tcp_option_kind {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_SCALE = 3,
	TCP_OPTION_MD5 = 19, /* RFC 2385 */
	TCP_OPTION_AO = 29,  /* RFC 5925 */
};

struct tcp_options {
	__u16 mss;     /* 0: absent */
	__u8 mss_at;   /* offset of its value from the first option */
	__u8 scale;
	__u8 has_scale;
	__u8 is_signed;	   /* the header is signed: changing it breaks the connection */
	__u8 is_malformed; /* an option reaches past the end */
};

/* State of the reader. Begins zeroed, except `bytes` and `length` (at most TCP_OPTIONS_MAX). */
struct tcp_options_walk {
	__u8 bytes[TCP_OPTIONS_BUFFER];
	__u32 length;
	__u32 at;
	struct tcp_options options;
};

/*
 * Reads one option; returns 1 after the last one. The caller repeats it with bpf_loop, at most
 * TCP_OPTIONS_MAX times, because the verifier rejects a C loop as too complex.
 */
static inline int tcp_options_step(struct tcp_options_walk *walk)
{
	struct tcp_options *options = &walk->options;
	__u32 at = walk->at;
	const __u8 *value;
	__u8 kind, size;

	if (at >= walk->length || at >= TCP_OPTIONS_MAX)
		return 1;
	kind = walk->bytes[at];
	if (kind == TCP_OPTION_END)
		return 1;
	if (kind == TCP_OPTION_NOP) {
		walk->at = at + 1;
		return 0;
	}
	size = walk->bytes[at + 1];
	if (size < 2 || at + size > walk->length) {
		options->is_malformed = 1;
		return 1;
	}
	value = walk->bytes + at + 2;
	if (kind == TCP_OPTION_MSS && size == 4) {
		options->mss = (__u16)(value[0] << 8 | value[1]);
		options->mss_at = (__u8)(at + 2);
	}
	if (kind == TCP_OPTION_SCALE && size == 3) {
		options->has_scale = 1;
		options->scale = value[0] > CEILING_SCALE_MAX ? CEILING_SCALE_MAX : value[0];
	}
	if (kind == TCP_OPTION_MD5 || kind == TCP_OPTION_AO)
		options->is_signed = 1;
	walk->at = at + size;
	return 0;
}

#endif
