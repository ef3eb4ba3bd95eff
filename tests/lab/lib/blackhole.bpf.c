/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A network that drops the reports of packets that are too big (ICMP type 3, ICMPv6 type 2), as a
 * firewall that drops all ICMP. Everything else passes, as in pass.bpf.c; without headers for the
 * same reason.
 */
struct xdp_md {
  unsigned int data;
  unsigned int data_end;
};

enum {
  TYPE_IN_V4 = 14 + 20, /* of the ICMP type, from the start of the frame */
  TYPE_IN_V6 = 14 + 40,
  PROTO_IN_V4 = 14 + 9,
  PROTO_IN_V6 = 14 + 6,
  DROP = 1,
  PASS = 2,
};

__attribute__((section("xdp"), used)) int blackhole(struct xdp_md* ctx) {
  unsigned char* frame = (unsigned char*)(unsigned long)ctx->data;
  unsigned char* end = (unsigned char*)(unsigned long)ctx->data_end;

  if (frame + TYPE_IN_V4 + 1 > end) return PASS;
  if (frame[12] == 0x08 && frame[13] == 0x00)
    return frame[PROTO_IN_V4] == 1 && frame[TYPE_IN_V4] == 3 ? DROP : PASS;
  if (frame + TYPE_IN_V6 + 1 > end) return PASS;
  if (frame[12] == 0x86 && frame[13] == 0xdd)
    return frame[PROTO_IN_V6] == 58 && frame[TYPE_IN_V6] == 2 ? DROP : PASS;
  return PASS;
}
