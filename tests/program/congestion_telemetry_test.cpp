// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Telemetry of the congestion control: totals of a service's flows, and changes of state.
#include "kernel/congestion/watch.h"
#include "kernel/state/congestion_sums.h"

#include "program/congestion_fixture.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using namespace bulk;

class CongestionTelemetry : public CongestionFixture {
 protected:
  sluice_congestion_service sum(uint32_t service) {
    const auto sums = congestion_sums(directory_);
    EXPECT_TRUE(sums);
    for (const auto& [number, sum] : *sums)
      if (number == service) return sum;
    return {};
  }

  int64_t open_flows(uint32_t service) {
    int64_t flows = 0;
    for (const int64_t in_state : sum(service).flows) flows += in_state;
    return flows;
  }
};

TEST_F(CongestionTelemetry, FlowsAreAddedToTheirServicesTotalsAndStatesAreCounted) {
  load();
  EXPECT_TRUE(congestion_sums(directory_)->empty());
  BulkFlow one(name_, Family::v4, kPort);
  serve(one.server());
  set_policy(100 * kMbit, 0);
  one.send_without_end();
  ASSERT_TRUE(wait_for(one, [](const auto& now) { return now.delivered_bytes > 2000000; }));
  EXPECT_TRUE(wait_until([&] { return open_flows(kService) == 1 && open_flows(0) == 0; }));
  one.lose(Loss::some);
  ASSERT_TRUE(wait_for(one, [](const auto& now) { return now.retransmitted_packets > 3; }));
  one.lose(Loss::all);
  EXPECT_TRUE(wait_until([&] {
    return sum(kService).timeouts > 0 && sum(kService).flows[SLUICE_CONGESTION_TIMEOUT] == 1;
  }));
  one.lose(Loss::none);
  ASSERT_TRUE(
      wait_for(one, [](const auto& now) { return now.state != SLUICE_CONGESTION_TIMEOUT; }));

  const auto last = find(one.name());
  ASSERT_TRUE(last);
  one.close();
  EXPECT_TRUE(wait_until([&] { return open_flows(kService) == 0; }));
  const sluice_congestion_service after = sum(kService);
  // Progress before the first round under the service is not counted for it. Losses are possible
  // before, because no policy limited the flow.
  const sluice_congestion_service before = sum(0);
  EXPECT_GT(after.retransmitted_packets, 3U);
  EXPECT_GE(after.retransmitted_packets + before.retransmitted_packets,
            last->retransmitted_packets);
  EXPECT_GE(after.lost_packets + before.lost_packets, last->lost_packets);
  EXPECT_GE(after.delivered_bytes, 2000000U);
  EXPECT_EQ(after.flows[SLUICE_CONGESTION_TIMEOUT], 0);
  EXPECT_EQ(before.opened, 1U) << "the flow opened before the service had its endpoint";
}

TEST_F(CongestionTelemetry, ANewServiceWithAnOldNumberStartsAtZeroButKeepsItsFlows) {
  load();
  BulkFlow one(name_, Family::v4, kPort);
  serve(one.server());
  one.send_without_end();
  ASSERT_TRUE(wait_for(one, [](const auto& now) { return now.service == kService; }));
  ASSERT_TRUE(wait_until([&] { return open_flows(kService) == 1; }));
  one.lose(Loss::all);
  ASSERT_TRUE(wait_until([&] { return sum(kService).timeouts > 0; }));
  ASSERT_TRUE(purge_congestion_sums(directory_, kService));
  EXPECT_EQ(sum(kService).timeouts, 0U);
  EXPECT_EQ(open_flows(kService), 1);
  one.close();
  EXPECT_TRUE(wait_until([&] { return open_flows(kService) == 0; }));
}

TEST_F(CongestionTelemetry, ChangesOfStateAreReportedToOneReaderWhileItReads) {
  EXPECT_FALSE(CongestionWatch::open(directory_)) << "not loaded";
  load();
  { BulkFlow untold(name_, Family::v4, kPort); }
  auto watch = CongestionWatch::open(directory_);
  ASSERT_TRUE(watch) << watch.error().text;
  const auto second = CongestionWatch::open(directory_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find("watches already"), std::string::npos) << second.error().text;

  std::vector<sluice_congestion_event> told;
  sluice_flow name{};
  {
    BulkFlow flow(name_, Family::v4, kPort + 1);
    name = flow.name();
    flow.send_without_end();
    ASSERT_TRUE(wait_for(flow, [](const auto& now) { return now.delivered_bytes > 1000000; }));
    flow.lose(Loss::all);
    ASSERT_TRUE(
        wait_for(flow, [](const auto& now) { return now.state == SLUICE_CONGESTION_TIMEOUT; }));
  }
  EXPECT_TRUE(wait_until([&] {
    EXPECT_TRUE(watch->wait(10ms, [&](const auto& event) { told.push_back(event); }));
    return !told.empty() && told.back().to == SLUICE_CONGESTION_CLOSED;
  }));
  ASSERT_GE(told.size(), 3U);
  EXPECT_EQ(told.front().from, uint32_t{SLUICE_CONGESTION_CLOSED});
  EXPECT_EQ(told.front().to, uint32_t{SLUICE_CONGESTION_SLOW_START});
  for (size_t i = 0; i < told.size(); i++) {
    EXPECT_EQ(memcmp(&told[i].flow, &name, sizeof(name)), 0);
    if (i > 0) {
      EXPECT_EQ(told[i].from, told[i - 1].to) << "change " << i;
      EXPECT_GE(told[i].at_ns, told[i - 1].at_ns);
    }
  }
  EXPECT_TRUE(std::any_of(told.begin(), told.end(), [](const auto& event) {
    return event.to == SLUICE_CONGESTION_TIMEOUT && event.now.cwnd_packets <= 2;
  }));
  EXPECT_EQ(watch->dropped(), 0U);
}

TEST_F(CongestionTelemetry, WithoutAReaderNothingIsWrittenAndDroppedEventsAreCounted) {
  load();
  const Fd watch(bpf_obj_get((directory_ + "/congestion_watch").c_str()));
  ASSERT_TRUE(watch.valid());
  const uint32_t only = 0;
  const auto dropped = [&] {
    sluice_congestion_watch now{};
    bpf_map_lookup_elem(watch.get(), &only, &now);
    return now.dropped;
  };
  // Each opens and closes: more events than the ring buffer holds.
  const auto many = [&] {
    for (int i = 0; i < 800; i++) BulkFlow(name_, Family::v4, kPort);
  };
  many();
  EXPECT_EQ(dropped(), 0U);
  const sluice_congestion_watch forever{
      .until_ns = UINT64_MAX, .dropped = 0, .reader = 0, .reserved = 0};
  ASSERT_EQ(bpf_map_update_elem(watch.get(), &only, &forever, BPF_ANY), 0);
  many();
  EXPECT_GT(dropped(), 0U);
}

// One packet in 20, so that a window has several. The peer is a classic one, which echoes until it
// is answered.
TEST_F(CongestionTelemetry, MarksOfAClassicPeerAreCountedButNotAccurate) {
  load();
  ASSERT_EQ(ask_for_ecn(1), "");
  ASSERT_EQ(mark_one_in(20), "");
  for (const Family family : {Family::v4, Family::v6}) {
    BulkFlow flow(name_, family, kPort);
    serve(flow.server());
    set_policy(400 * kMbit, 0);
    flow.send_without_end();
    ASSERT_TRUE(wait_for(flow, [](const auto& now) {
      return now.marked_packets > 2000 && now.entered[SLUICE_CONGESTION_RECOVERY] > 50;
    }));
    const auto last = find(flow.name());
    ASSERT_TRUE(last);
    EXPECT_EQ(last->accurate_marks, 0);
    EXPECT_EQ(last->marked_share, 0);
  }
}

TEST_F(CongestionTelemetry, MarksOfAPeerWithNegotiatedAccurateEcnAreAccurate) {
  if (const std::string why = ask_for_ecn(3); !why.empty())
    GTEST_SKIP() << "this kernel does not negotiate Accurate ECN: " << why;
  load();
  ASSERT_EQ(mark_one_in(20), "");
  BulkFlow flow(name_, Family::v4, kPort);
  serve(flow.server());
  set_policy(400 * kMbit, 0);
  flow.send_without_end();
  EXPECT_TRUE(wait_for(flow, [](const auto& now) {
    return now.accurate_marks == 1 && now.marked_packets > 500 &&
           now.entered[SLUICE_CONGESTION_RECOVERY] > 10;
  }));
}

}  // namespace
}  // namespace sluice
