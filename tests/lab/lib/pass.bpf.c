/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Passes every packet. The lab attaches it to the far end of each of the director's veth pairs:
 * after XDP_TX, veth notifies the receiver only if an XDP program is attached there
 * (veth_xdp_flush() in drivers/net/veth.c). GRO alone suffices for redirects, but leaves XDP_TX
 * packets waiting until other traffic arrives. Without headers, so that the lab needs only clang.
 */
__attribute__((section("xdp"), used)) int pass(void* ctx) {
  (void)ctx;
  return 2; /* XDP_PASS */
}
