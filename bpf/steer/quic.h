/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * QUIC by connection id (RFC 9000, 5.1 and 17): a connection keeps its backend when its client's
 * address changes. The servers of such a service issue connection ids by this scheme, the plaintext
 * one of draft-ietf-quic-load-balancers with a server id of three bytes:
 *
 *	byte 0		the server's own: configuration bits and length
 *	bytes 1 to 3	the backend's number, most significant byte first (`sluice backend list`)
 *	the rest	the server's own
 *
 * Initial and 0-RTT packets, which a client sends before it has the server's connection id, are
 * steered as new connections. A packet that names no live backend of the service is steered by its
 * 5-tuple.
 */
#ifndef SLUICE_STEER_QUIC_H
#define SLUICE_STEER_QUIC_H

#include "maps/backends.h"
#include "wire/packet.h"

#define QUIC_LONG 0x80		   /* header form */
#define QUIC_TYPE_SHIFT 4	   /* of a long header, two bits */
#define QUIC_VERSION_2 0x6b3343cfu /* RFC 9369: its types are numbered one higher */
#define QUIC_SHORT_BYTES 5	   /* flags, and the connection id up to the backend's number */
#define QUIC_LONG_BYTES 10	   /* flags, version, length, and the same */
#define QUIC_ID_BYTES 4		   /* the shortest connection id that names a backend */

static __always_inline __u32 quic_server_id(const __u8 *connection_id)
{
	return (__u32)connection_id[1] << 16 | (__u32)connection_id[2] << 8 | connection_id[3];
}

/* The backend that the packet names, or 0. Sets `opens` for a packet of a new connection. */
static __always_inline __u32 quic_number(struct xdp_md *ctx, const struct packet *packet,
					 bool *opens)
{
	void *end = frame_end(ctx);
	__u32 offset = packet->l4_offset + sizeof(struct udphdr);
	/* By the IP header: bytes after the packet are padding of the frame. */
	__u32 bytes = packet->l3_offset + packet->ip_bytes - offset;
	__u32 type, version;
	__u8 *quic;

	*opens = false;
	quic = frame_at(frame_begin(ctx), offset);
	if (bytes < QUIC_SHORT_BYTES || (void *)quic + QUIC_SHORT_BYTES > end)
		return 0;
	if (!(quic[0] & QUIC_LONG))
		return quic_server_id(quic + 1);
	if (bytes < QUIC_LONG_BYTES || (void *)quic + QUIC_LONG_BYTES > end)
		return 0;
	version = (__u32)quic[1] << 24 | (__u32)quic[2] << 16 | (__u32)quic[3] << 8 | quic[4];
	type = quic[0] >> QUIC_TYPE_SHIFT & 3;
	if (version == QUIC_VERSION_2)
		type = (type + 3) & 3;
	*opens = type <= 1; /* Initial, 0-RTT */
	return *opens || quic[5] < QUIC_ID_BYTES ? 0 : quic_server_id(quic + 6);
}

/* The backend by connection id; 0: the 5-tuple decides. */
static __always_inline __u32 quic_backend(struct xdp_md *ctx, struct packet *packet, __u32 service)
{
	struct sluice_backend *record;
	__u32 backend;

	if (packet->kind != PACKET_WHOLE && packet->kind != PACKET_FIRST_FRAGMENT)
		return 0;
	backend = quic_number(ctx, packet, &packet->opens);
	packet->datagram = !packet->opens;
	if (!backend)
		return 0;
	record = bpf_map_lookup_elem(&backends, &backend);
	if (!record || record->service != service || record->state == SLUICE_BACKEND_DOWN)
		return 0;
	return backend;
}

#endif
