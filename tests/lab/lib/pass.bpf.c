/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lets everything pass. The lab attaches it to the far end of each of the director's cables: veth
 * rings the receiver's bell after XDP_TX only if an XDP program sits there (veth_xdp_flush() in
 * drivers/net/veth.c); GRO alone is enough for redirects, and lets XDP_TX lie until other traffic.
 * No headers, so that the lab compiles it with nothing but clang.
 */
__attribute__((section("xdp"), used)) int pass(void* ctx) {
  (void)ctx;
  return 2; /* XDP_PASS */
}
