/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The walk over the extension headers between an IPv6 header and its payload (RFC 8200, 4). The
 * access to the bytes is the hook's: wire/xdp_cursor.h or wire/skb_cursor.h.
 */
#ifndef SLUICE_WIRE_IPV6_EXTENSIONS_H
#define SLUICE_WIRE_IPV6_EXTENSIONS_H

#include "sluice/limits.h"
#include "wire/headers.h"

struct cursor;

/* Copies the next bytes and moves on. False: the packet has fewer. */
static __always_inline bool cursor_read(struct cursor *cursor, void *to, __u32 bytes);
static __always_inline bool cursor_skip(struct cursor *cursor, __u32 bytes);

/* What all extension headers begin with, and what a fragment header consists of. */
struct ipv6_extension {
	__u8 next;
	__u8 length; /* in units of 8 bytes, the first one not counted; reserved in a fragment's */
	__be16 fragment; /* of a fragment header: offset and "more" */
	__be32 fragment_id;
};

struct ipv6_extensions {
	__u32 bytes; /* of all that were skipped */
	__be32 fragment_id;
	__be16 fragment; /* offset and "more"; 0: no fragment */
	__u8 l4_proto;	 /* in: the IPv6 header's next header; out: the last one's */
};

/*
 * Stops at the first header that is no extension, or after a fragment header with an offset: what
 * follows that one is payload. Any other header (ESP, and the routing header unless `routing`)
 * leaves its own number in l4_proto, which is neither TCP nor UDP. False: a header is cut off.
 */
static __always_inline bool ipv6_skip_extensions(struct cursor *cursor,
						 struct ipv6_extensions *walk, const bool routing)
{
	/* Unrolled: the verifier of 6.1 refuses the back edge that clang makes, a fall through. */
#pragma clang loop unroll(full)
	for (int i = 0; i < SLUICE_IPV6_EXTENSIONS_MAX; i++) {
		const __u8 l4_proto = walk->l4_proto;
		struct ipv6_extension header;
		__u32 bytes = sizeof(header);

		if (l4_proto != IPPROTO_HOPOPTS && l4_proto != IPPROTO_DSTOPTS &&
		    l4_proto != IPPROTO_FRAGMENT && !(routing && l4_proto == IPPROTO_ROUTING))
			return true;
		if (!cursor_read(cursor, &header, sizeof(header)))
			return false;
		if (l4_proto == IPPROTO_FRAGMENT) {
			walk->fragment |= header.fragment & bpf_htons(IPV6_FRAGMENT);
			walk->fragment_id = header.fragment_id;
		} else {
			bytes += header.length * 8;
		}
		walk->l4_proto = header.next;
		walk->bytes += bytes;
		if (walk->fragment & bpf_htons(IPV6_FRAGMENT_OFFSET))
			return true;
		if (!cursor_skip(cursor, bytes - sizeof(header)))
			return false;
	}
	return true;
}

#endif
