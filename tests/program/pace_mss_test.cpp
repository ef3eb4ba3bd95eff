// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// pace: the service option mss. Under direct server return only `pace` sees a SYN-ACK.
#include "pace_fixture.h"
#include "sluice/service.h"

namespace sluice::packets {
namespace {

class PaceMss : public PaceFixture {
 protected:
  void SetUp() override {
    PaceFixture::SetUp();
    if (IsSkipped()) return;
    pace_->set_policy(web, sluice_policy{});  // the option needs no policy
  }
  void set_option(uint16_t mss, sluice_mode mode = SLUICE_MODE_L2, uint8_t gue_variant = 1) {
    sluice_service_config config{};
    config.service = web;
    config.mode = static_cast<uint8_t>(mode);
    config.options.mss = mss;
    config.options.gue_variant = gue_variant;
    pace_->set_service(config);
  }
  [[nodiscard]] static Bytes options(uint16_t mss) {
    return tcp_options({option_nop(), option_mss(mss), option_window_scale(7)});
  }
  [[nodiscard]] static uint16_t headers() { return GetParam() == Family::v4 ? 40 : 60; }
  void expect_mss(PaceHook hook, const Packet& sent, const Packet& expected) {
    EXPECT_TRUE(same_packet(pass(hook, sent), expected.frame()));
  }
  void expect_syn_ack(uint16_t sent, uint16_t expected) {
    for (const PaceHook hook : {PaceHook::egress, PaceHook::egress_edt})
      expect_mss(hook, syn_ack(options(sent)), syn_ack(options(expected)));
  }
};

TEST_P(PaceMss, OfASynAckIsLoweredAtEgress) {
  set_option(1200);
  expect_syn_ack(1460, 1200);
  expect_syn_ack(1000, 1000);
}

TEST_P(PaceMss, OfASynIsLoweredAtIngress) {
  set_option(1201);
  expect_mss(PaceHook::ingress, syn(options(1460)), syn(options(1201)));
}

// The device of a test run is the loopback device, whose MTU is 65536.
TEST_P(PaceMss, WithAutoASynAckFitsTheDeviceAndTheTunnel) {
  const uint32_t mtu = 65536;
  const auto fits = [&](uint32_t outer) { return static_cast<uint16_t>(mtu - outer - headers()); };
  set_option(SLUICE_MSS_AUTO);
  expect_syn_ack(65535, fits(0));
  set_option(SLUICE_MSS_AUTO, SLUICE_MODE_IPIP);
  expect_syn_ack(65535, fits(40));
  set_option(SLUICE_MSS_AUTO, SLUICE_MODE_GUE, 1);
  expect_syn_ack(65535, fits(48));
  set_option(SLUICE_MSS_AUTO, SLUICE_MODE_GUE, 0);
  expect_syn_ack(65535, fits(52));
}

TEST_P(PaceMss, WithAutoASynStaysAtIngress) {
  set_option(SLUICE_MSS_AUTO, SLUICE_MODE_IPIP);
  expect_mss(PaceHook::ingress, syn(options(65535)), syn(options(65535)));
}

TEST_P(PaceMss, StaysWithoutTheOptionWithoutASynAndIfSigned) {
  set_option(0);
  expect_untouched(syn_ack(options(1460)));
  set_option(536);
  expect_untouched(to_client({.seq = server_isn, .options = options(1460)}));
  expect_untouched(syn_ack(tcp_options({option_mss(1460), option_md5()})));
  expect_untouched(syn_ack({}));
}

TEST_P(PaceMss, ReachesASynAckInATunnel) {
  set_option(1200);
  const auto tunnelled = [&](uint16_t mss) {
    return Packet()
        .ethernet(director, client)
        .ip(Family::v4, director, client)
        .ip(GetParam(), service_one, client)
        .tcp({.source_port = web_port,
              .destination_port = client_port,
              .flags = tcp_syn | tcp_ack,
              .options = options(mss)});
  };
  expect_mss(PaceHook::egress, tunnelled(1460), tunnelled(1200));
}

INSTANTIATE_TEST_SUITE_P(Families, PaceMss, testing::ValuesIn(both_families),
                         [](const auto& family) { return std::string(family_text(family.param)); });

}  // namespace
}  // namespace sluice::packets
