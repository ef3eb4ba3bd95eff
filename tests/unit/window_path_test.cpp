// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The congestion window on whole paths: seconds of traffic of several senders over one bottleneck,
// in a deterministic simulation. The bounds hold for each seed, so they are wider than the medians
// in docs/congestion.md, which are of the real kernel.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "unit/support/governed.h"
#include "unit/support/path_simulation.h"
#include "unit/support/rivals.h"

namespace sluice::simulation {
namespace {

constexpr double kPacketBits = kWireBytes * 8;

size_t add(PathSimulation& path, std::unique_ptr<Controller> controller, double start_s = 0,
           double stop_s = 1e9, double extra_rtt_ms = 0) {
  FlowPlan plan;
  plan.controller = std::move(controller);
  plan.start_s = start_s;
  plan.stop_s = stop_s;
  plan.extra_rtt_ms = extra_rtt_ms;
  return path.add(std::move(plan));
}

size_t add_ours(PathSimulation& path, double start_s = 0, uint32_t weight = 1) {
  return add(path, std::make_unique<Governed>(weight), start_s);
}

size_t add_marked(PathSimulation& path, Echo echo, double start_s = 0) {
  FlowPlan plan;
  plan.controller = std::make_unique<Governed>();
  plan.echo = echo;
  plan.start_s = start_s;
  return path.add(std::move(plan));
}

bool accurate_marks(const PathSimulation& path, size_t flow) {
  return dynamic_cast<const Governed&>(path.controller(flow)).accurate_marks();
}

double mbit(const PathSimulation& path, size_t flow, double over_s) {
  return path.delivered_packets(flow) * kPacketBits / over_s / 1e6;
}

// Measures a flow from now on.
double later(PathSimulation& path, size_t flow, double until_s) {
  const double from_s = path.now_s();
  const double before = path.delivered_packets(flow);
  path.run_until(until_s);
  return (path.delivered_packets(flow) - before) * kPacketBits / (until_s - from_s) / 1e6;
}

class OnAPath : public ::testing::TestWithParam<double> {
 protected:
  [[nodiscard]] PathShape shape(uint64_t seed = 1) const {
    PathShape path;
    path.buffer_bdp = GetParam();
    path.seed = seed;
    return path;
  }
};

TEST_P(OnAPath, AloneItFillsTheLinkAndKeepsTheQueueShort) {
  PathSimulation path(shape());
  const size_t flow = add_ours(path);
  path.run_until(30);
  EXPECT_GT(mbit(path, flow, 30), 0.95 * 50);
  EXPECT_LT(path.queue_ms(0.5), 2);
  EXPECT_LT(path.queue_ms(0.95), 4);
  EXPECT_LT(path.retransmitted(flow), path.sent_packets(flow) / 200);
}

TEST_P(OnAPath, RandomLossIsNotCongestion) {
  PathShape lossy = shape();
  lossy.loss = 0.01;
  PathSimulation path(lossy);
  const size_t flow = add_ours(path);
  path.run_until(30);
  EXPECT_GT(mbit(path, flow, 30), 0.85 * 50);
}

TEST_P(OnAPath, FourFlowsShareEvenly) {
  PathSimulation path(shape());
  std::vector<size_t> flows;
  for (int i = 0; i < 4; i++) flows.push_back(add_ours(path, 0.013 * i));
  path.run_until(30);
  for (const size_t flow : flows) EXPECT_NEAR(mbit(path, flow, 30), 12.5, 2.5);
  EXPECT_LT(path.queue_ms(0.5), 4);
}

TEST_P(OnAPath, ALateFlowGetsItsShare) {
  PathSimulation path(shape());
  add_ours(path);
  const size_t late = add_ours(path, 10);
  path.run_until(20);
  EXPECT_GT(later(path, late, 30), 0.8 * 25);
}

TEST_P(OnAPath, SharesAreByWeight) {
  PathSimulation path(shape());
  const size_t light = add_ours(path);
  const size_t heavy = add_ours(path, 0.01, 3);
  path.run_until(30);
  const double before = path.delivered_packets(light);
  const double got = later(path, heavy, 60) * 30;
  EXPECT_NEAR(got / ((path.delivered_packets(light) - before) * kPacketBits / 1e6), 3, 0.6);
}

TEST_P(OnAPath, BesideCubicItKeepsAShareAndLaterRemovesItsQueue) {
  PathSimulation path(shape());
  const size_t ours = add_ours(path);
  const size_t cubic = add(path, make_cubic(), 0.5, 60);
  path.run_until(60);
  const double share =
      path.delivered_packets(ours) / (path.delivered_packets(ours) + path.delivered_packets(cubic));
  EXPECT_GT(share, 0.2);
  EXPECT_LT(share, 0.75);
  path.run_until(80);
  path.clear_queue();
  EXPECT_GT(later(path, ours, 100), 0.9 * 50);
  EXPECT_LT(path.queue_ms(0.5), 3);
}

INSTANTIATE_TEST_SUITE_P(Buffers, OnAPath, ::testing::Values(0.2, 1, 4), [](const auto& buffer) {
  return buffer.param < 1   ? std::string("OfAFifthBdp")
         : buffer.param < 2 ? std::string("OfOneBdp")
                            : std::string("OfFourBdp");
});

TEST(OnATinyBuffer, APolicerCausesFewLosses) {
  PathShape shape;
  shape.buffer_bdp = 0.04;
  PathSimulation path(shape);
  const size_t flow = add_ours(path);
  path.run_until(30);
  EXPECT_LT(
      static_cast<double>(path.retransmitted(flow)) / static_cast<double>(path.sent_packets(flow)),
      0.08);
}

// A queue that marks from 1 ms on, which is below our target. About one packet of a hundred is
// marked, and the share of marks shows that.
TEST(WhereAQueueMarks, AnAccuratePeerKeepsTheLinkBusy) {
  PathShape shape;
  shape.ecn_threshold_ms = 1;
  double classic_mbit = 0;
  for (const Echo echo : {Echo::classic, Echo::accurate}) {
    PathSimulation path(shape);
    const size_t flow = add_marked(path, echo);
    path.run_until(5);
    path.clear_queue();
    const double got = later(path, flow, 30);
    EXPECT_EQ(accurate_marks(path, flow), echo == Echo::accurate);
    EXPECT_LT(path.queue_ms(0.95), 2);
    if (echo == Echo::classic) classic_mbit = got;
    if (echo == Echo::accurate) {
      EXPECT_GT(got, 0.9 * 50);
      EXPECT_GT(got, 1.3 * classic_mbit);
    }
  }
}

TEST(WhereAQueueMarks, FourFlowsShareEvenly) {
  PathShape shape;
  shape.ecn_threshold_ms = 1;
  PathSimulation path(shape);
  std::vector<size_t> flows;
  for (int i = 0; i < 4; i++) flows.push_back(add_marked(path, Echo::accurate, 0.013 * i));
  path.run_until(30);
  for (const size_t flow : flows) EXPECT_NEAR(mbit(path, flow, 30), 12, 1.5);
  EXPECT_LT(path.queue_ms(0.95), 2);
}

TEST(WhereAQueueMarks, LossesAndJitterDoNotMakeAClassicPeerAccurate) {
  for (uint64_t seed = 1; seed <= 10; seed++) {
    PathShape shape;
    shape.ecn_threshold_ms = 2;
    shape.loss = 0.01;
    shape.jitter_ms = 5;
    shape.seed = seed;
    PathSimulation path(shape);
    const size_t flow = add_marked(path, Echo::classic);
    path.run_until(20);
    EXPECT_FALSE(accurate_marks(path, flow)) << "seed " << seed;
  }
}

// At a queue that other senders fill, marks count as losses, as they do for those senders.
TEST(WhereAQueueMarks, AnAccuratePeerDoesNotTakeTheLinkFromCubic) {
  for (const Echo echo : {Echo::classic, Echo::accurate}) {
    PathShape shape;
    shape.ecn_threshold_ms = 10;
    PathSimulation path(shape);
    const size_t ours = add_marked(path, echo);
    FlowPlan plan;
    plan.controller = make_cubic();
    plan.echo = Echo::classic;
    plan.start_s = 0.5;
    const size_t cubic = path.add(std::move(plan));
    path.run_until(60);
    const double share = path.delivered_packets(ours) /
                         (path.delivered_packets(ours) + path.delivered_packets(cubic));
    EXPECT_GT(share, 0.25);
    EXPECT_LT(share, 0.65);
  }
}

}  // namespace
}  // namespace sluice::simulation
