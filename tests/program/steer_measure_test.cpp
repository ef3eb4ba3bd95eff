// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Latencies of backends, measured per connection from its SYN on: from both directions where
// replies pass the director, and from the client's packets alone where they do not.
#include <linux/bpf.h>

#include "expectations.h"
#include "stage.h"

namespace sluice::stage {
namespace {

using packets::backend_one;
using packets::both_families;
using packets::client;
using packets::director;
using packets::gateway;
using packets::Packet;
using packets::service_one;
using packets::tcp_ack;
using packets::tcp_fin;
using packets::tcp_rst;
using packets::tcp_syn;

constexpr uint16_t kMeasuredPort = 40000;
constexpr uint32_t kFirst = 0xfffffff0;  // the sequence numbers wrap during the test

struct Measured {
  Family family;
  Mode mode;
};

class SteerMeasures : public StageTest, public testing::WithParamInterface<Measured> {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    service_ =
        stage().add_service(GetParam().family, service_one, 80, L4Proto::tcp, GetParam().mode);
    backend_ = stage().add_backend(service_, GetParam().family, backend_one);
    stage().settle(service_, backend_);
    stage().measure(service_);
    before_ = stage().latency(backend_);
  }

  [[nodiscard]] bool direct() const { return GetParam().mode == Mode::ipip; }

  // `sent`, `got`: bytes that the client and the backend have sent before, SYNs included.
  void client_says(uint8_t flags, uint32_t sent, uint32_t got, const std::string& payload = "") {
    const Outcome outcome = stage().steer(Packet()
                                              .ethernet(gateway, director_front)
                                              .ip(GetParam().family, client, service_one)
                                              .tcp({.source_port = kMeasuredPort,
                                                    .destination_port = 80,
                                                    .seq = kFirst + sent,
                                                    .ack = kFirst + got,
                                                    .flags = flags})
                                              .payload(payload)
                                              .frame());
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
    if (!direct()) port_ = source_port(Packet::parse(outcome.frame));
  }
  // Does nothing in mode ipip, where replies do not pass the director.
  void backend_says(uint8_t flags, const std::string& payload = "") {
    if (direct()) return;
    const Outcome outcome = stage().steer(
        Packet()
            .ethernet(backend_one, director)
            .ip(GetParam().family, backend_one, GetParam().mode == Mode::nat ? client : director)
            .tcp({.source_port = 8080, .destination_port = port_, .seq = kFirst, .flags = flags})
            .payload(payload)
            .frame(),
        Device::back);
    EXPECT_EQ(outcome.action, XDP_REDIRECT);
  }
  void open() {
    client_says(tcp_syn, 0, 0);
    backend_says(tcp_syn | tcp_ack);
    client_says(tcp_ack, 1, 1);
  }

  [[nodiscard]] Latency seen() { return stage().latency(backend_) - before_; }

  Service service_;
  Backend backend_;
  Latency before_;
  uint16_t port_ = 0;
};

TEST_P(SteerMeasures, AHandshakeIsCountedOnce) {
  open();
  EXPECT_EQ(seen().handshakes, 1u);
  EXPECT_EQ(seen().responses, 0u);
}

TEST_P(SteerMeasures, EachRequestWithAnAnswerIsOneResponse) {
  open();
  client_says(tcp_ack, 1, 1, "question");
  backend_says(tcp_ack, "answer");
  client_says(tcp_ack, 9, 7);
  EXPECT_EQ(seen().responses, 1u);
  client_says(tcp_ack, 9, 7, "question");
  backend_says(tcp_ack, "answer");
  client_says(tcp_ack, 17, 13, "question");
  EXPECT_EQ(seen().responses, 2u);
}

TEST_P(SteerMeasures, AnAckOfNoNewDataIsNoResponse) {
  open();
  client_says(tcp_ack, 1, 1, "question");
  backend_says(tcp_ack);
  client_says(tcp_ack, 9, 1);
  client_says(tcp_ack, 1, 1, "question");
  EXPECT_EQ(seen().responses, 0u);
}

TEST_P(SteerMeasures, MoreDataAfterTheAnswerIsNoFurtherResponse) {
  open();
  client_says(tcp_ack, 1, 1, "question");
  backend_says(tcp_ack, "answer");
  backend_says(tcp_ack, "answer");
  client_says(tcp_ack, 9, 7);
  client_says(tcp_ack, 9, 13);
  EXPECT_EQ(seen().responses, 1u);
}

TEST_P(SteerMeasures, AResponseAcknowledgedByAFinIsCounted) {
  open();
  client_says(tcp_ack, 1, 1, "question");
  backend_says(tcp_ack, "answer");
  client_says(tcp_fin | tcp_ack, 9, 7);
  EXPECT_EQ(seen().responses, 1u);
}

TEST_P(SteerMeasures, ARepeatedSynIsCountedAsUnanswered) {
  client_says(tcp_syn, 0, 0);
  client_says(tcp_syn, 0, 0);
  client_says(tcp_syn, 0, 0);
  EXPECT_EQ(seen(), (Latency{.unanswered = 2}));
}

TEST_P(SteerMeasures, AResetInsteadOfASynAckIsARefusal) {
  if (direct()) GTEST_SKIP() << "replies do not pass the director";
  client_says(tcp_syn, 0, 0);
  backend_says(tcp_rst | tcp_ack);
  EXPECT_EQ(seen(), (Latency{.refused = 1}));
}

TEST_P(SteerMeasures, NothingIsMeasuredUnlessAsked) {
  stage().clear();
  service_ = stage().add_service(GetParam().family, service_one, 80, L4Proto::tcp, GetParam().mode);
  backend_ = stage().add_backend(service_, GetParam().family, backend_one);
  stage().settle(service_, backend_);
  before_ = stage().latency(backend_);
  open();
  EXPECT_EQ(seen(), Latency{});
}

std::vector<Measured> measured_combinations() {
  std::vector<Measured> combinations;
  for (const Family family : both_families) {
    combinations.push_back({family, Mode::ipip});
    combinations.push_back({family, Mode::snat});
    combinations.push_back({family, Mode::nat});
  }
  return combinations;
}

std::string measured_name(const testing::TestParamInfo<Measured>& combination) {
  return fmt::format("{}_{}", packets::family_text(combination.param.family),
                     mode_text(combination.param.mode));
}

INSTANTIATE_TEST_SUITE_P(, SteerMeasures, testing::ValuesIn(measured_combinations()),
                         measured_name);

}  // namespace
}  // namespace sluice::stage
