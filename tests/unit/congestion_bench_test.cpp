// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The arithmetic of tools/bench congestion: figures, goals and the schedule of runs.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>

#include "benchmark/congestion/cases.h"
#include "benchmark/congestion/figures.h"
#include "benchmark/congestion/goals.h"
#include "benchmark/congestion/schedule.h"

namespace sluice::benchmark {
namespace {

using namespace std::chrono_literals;

constexpr double kMbit = 125000;

// A flow with a constant goodput from its start on, sampled every 100 ms.
FlowRecord steady(Role role, double mbit, double from_s, double to_s) {
  FlowRecord flow;
  flow.spec.role = role;
  flow.started_s = from_s;
  for (double at = from_s + 0.1; at <= to_s + 1e-9; at += 0.1) {
    Sample sample;
    sample.at_s = at;
    sample.received_bytes = static_cast<uint64_t>(mbit * kMbit * (at - from_s));
    flow.samples.push_back(sample);
  }
  return flow;
}

Scenario scenario(double lasts_s) {
  Scenario made;
  made.lasts = milliseconds(static_cast<int64_t>(lasts_s * 1000));
  return made;
}

TEST(BenchFigures, GoodputIsInterpolatedBetweenSamples) {
  const FlowRecord flow = steady(Role::tested, 20, 2, 10);
  EXPECT_NEAR(goodput_mbit(flow, 4, 8), 20, 0.01);
  EXPECT_NEAR(goodput_mbit(flow, 4.03, 4.07), 20, 0.01);
  EXPECT_NEAR(goodput_mbit(flow, 0, 4), 10, 0.01) << "the flow begins in the middle";
  EXPECT_NEAR(goodput_mbit(flow, 8, 12), 10, 0.01) << "the flow ends in the middle";
  EXPECT_EQ(goodput_mbit(flow, 5, 5), 0);
  EXPECT_EQ(goodput_mbit(FlowRecord{}, 0, 5), 0);
}

TEST(BenchFigures, JainsIndexIsOneForEqualSharesAndOneOverNForOneFlow) {
  EXPECT_DOUBLE_EQ(jain_index({5, 5, 5, 5}), 1);
  EXPECT_DOUBLE_EQ(jain_index({5, 0, 0, 0}), 0.25);
  EXPECT_NEAR(jain_index({1, 3}), 0.8, 1e-9);
  EXPECT_EQ(jain_index({0, 0}), 1);
}

TEST(BenchFigures, MediansAreTakenPerFigure) {
  const Figures middle = medians({{{"a", 3}, {"b", 1}}, {{"a", 1}, {"b", 9}}, {{"a", 2}}});
  EXPECT_EQ(middle.at("a"), 2);
  EXPECT_EQ(middle.at("b"), 5);
}

TEST(BenchFigures, ShareIsTheJudgedFlowsPartOfAllGoodput) {
  Record record;
  record.flows = {steady(Role::tested, 12, 0, 20), steady(Role::rival, 36, 0, 20)};
  const Figures figures = figures_of(scenario(20), record);
  EXPECT_NEAR(figures.at("share"), 25, 0.1);
  EXPECT_NEAR(figures.at("utilisation"), 100 * 48 / (50 * 1448.0 / 1500), 0.1);
  EXPECT_NEAR(figures.at("goodput_mbit"), 12, 0.01);
  EXPECT_EQ(figures.count("jain"), 0U) << "there is one judged flow";
}

TEST(BenchFigures, TheSlowestFlowIsComparedWithItsFairShare) {
  Record record;
  record.flows = {steady(Role::tested, 30, 0, 20), steady(Role::tested, 10, 0, 20)};
  EXPECT_NEAR(figures_of(scenario(20), record).at("least"), 50, 0.1);
}

TEST(BenchFigures, ALateFlowIsMeasuredFromTenSecondsAfterItsStart) {
  Record record;
  record.flows = {steady(Role::tested, 40, 0, 35), steady(Role::late, 0, 10, 35)};
  // No goodput for ten seconds, then half of the link.
  for (Sample& sample : record.flows[1].samples)
    if (sample.at_s > 20)
      sample.received_bytes =
          static_cast<uint64_t>(50 * 1448 / 1500.0 / 2 * kMbit * (sample.at_s - 20));
  EXPECT_NEAR(figures_of(scenario(35), record).at("late"), 100, 1);
}

TEST(BenchFigures, WeightedFlowsAreComparedFromThirtySecondsOn) {
  Record record;
  record.flows = {steady(Role::heavy, 30, 0, 60), steady(Role::light, 10, 0, 60)};
  EXPECT_NEAR(figures_of(scenario(60), record).at("ratio"), 3, 0.01);
}

TEST(BenchFigures, ARateIsMeasuredOnTheWire) {
  Record record;
  record.flows = {steady(Role::rated, 20 * 1448 / 1500.0, 0, 20)};
  Scenario rated = scenario(20);
  rated.target_mbit = 20;
  EXPECT_NEAR(figures_of(rated, record).at("rate"), 100, 0.1);
}

TEST(BenchFigures, TimesWithAndWithoutARivalAreMeasuredSeparately) {
  Record record;
  record.flows = {steady(Role::tested, 24, 0, 20), steady(Role::rival, 24, 5, 10)};
  record.flows[1].spec.stop = 10s;
  for (double at = 0.1; at < 20; at += 0.1) record.queue.push_back({at, at > 12 ? 2.0 : 30.0});
  const Figures figures = figures_of(scenario(20), record);
  EXPECT_NEAR(figures.at("share_met"), 50, 1);
  EXPECT_NEAR(figures.at("alone_utilisation"), 100 * 24 / (50 * 1448.0 / 1500), 1);
  EXPECT_EQ(figures.at("alone_queue_p95_ms"), 2);
}

TEST(BenchFigures, ShortFlowsAreMeasuredByCompletionTime) {
  Record record;
  record.flows = {steady(Role::tested, 40, 0, 20)};
  for (int i = 1; i <= 20; i++) {
    FlowRecord flow = steady(Role::shorter, 1, i, i + 0.1);
    if (i < 20) flow.finished_s = i + i * 0.01;
    record.flows.push_back(flow);
  }
  const Figures figures = figures_of(scenario(25), record);
  EXPECT_NEAR(figures.at("done"), 95, 0.01);
  EXPECT_NEAR(figures.at("done_p50_ms"), 100, 0.1);
  EXPECT_NEAR(figures.at("done_p95_ms"), 190, 0.1);
}

Judged judged(const std::string& name, const std::string& algorithm, double buffer,
              const Figures& figures) {
  Judged one;
  one.scenario.name = name;
  one.scenario.algorithm = algorithm;
  one.scenario.buffer_bdp = buffer;
  one.scenario.variant = std::to_string(buffer);
  one.medians = figures;
  return one;
}

const GoalResult* find(const std::vector<GoalResult>& goals, const std::string& sentence) {
  for (const GoalResult& goal : goals)
    if (goal.sentence == sentence) return &goal;
  return nullptr;
}

TEST(BenchGoals, TheWorstVariantDecides) {
  const auto goals = goals_of({judged("alone", "sluice", 1, {{"utilisation", 99}}),
                               judged("alone", "sluice", 4, {{"utilisation", 94}}),
                               judged("alone", "sluice", 0.2, {{"utilisation", 91}}),
                               judged("alone", "cubic", 1, {{"utilisation", 90}})});
  const auto* deep = find(goals, "utilisation, buffer of 1 BDP and more");
  ASSERT_NE(deep, nullptr);
  EXPECT_FALSE(deep->reached);
  EXPECT_EQ(deep->figures.at("sluice"), 94);
  EXPECT_EQ(deep->figures.at("cubic"), 90);
  EXPECT_EQ(deep->variants, 2U);
  EXPECT_TRUE(find(goals, "utilisation, buffer of 0.2 BDP")->reached);
  EXPECT_EQ(find(goals, "policy limit as a rate"), nullptr) << "no run is about this goal";
}

TEST(BenchGoals, AGoalWithTwoBoundsIsMissedOnEitherSide) {
  for (const auto& [share, reached] :
       {std::pair{29.0, false}, {30.0, true}, {60.0, true}, {61.0, false}}) {
    const auto goals = goals_of({judged("cubic-one", "sluice", 1, {{"share", share}})});
    EXPECT_EQ(find(goals, "share beside one cubic, 1 BDP")->reached, reached) << share;
  }
}

TEST(BenchGoals, ShortFlowsAreComparedWithCubics) {
  for (const auto& [ms, reached] : {std::pair{199.0, true}, {201.0, false}}) {
    const auto goals = goals_of({judged("short", "sluice", 4, {{"done_p95_ms", ms}}),
                                 judged("short", "cubic", 4, {{"done_p95_ms", 400}})});
    EXPECT_EQ(find(goals, "short flows' completion at 4 BDP, p95")->reached, reached) << ms;
  }
}

TEST(BenchSchedule, AJobBeyondTheCapacityWaitsAndTheEstimateIncludesIt) {
  const std::vector<Job> jobs{{100, 1s}, {100, 1s}, {100, 1s}, {500, 2s}};
  const auto alone = estimate({{100, 1s}}, 200, 8);
  const auto overhead = alone - 1s;
  EXPECT_EQ(estimate(jobs, 200, 8), 2 * alone + 2s + overhead);
  EXPECT_EQ(estimate(jobs, 1000, 8), 2s + overhead);
  EXPECT_EQ(estimate(jobs, 1000, 1), 3 * alone + 2s + overhead);
}

TEST(BenchSchedule, EachJobRunsOnceAndConcurrentJobsHaveDifferentSlots) {
  std::vector<Job> jobs(40, Job{50, 0ms});
  jobs[7].weight = 5000;
  std::mutex mutex;
  std::set<size_t> slots;
  std::multiset<size_t> ran;
  play(jobs, 200, 8, [&](size_t job, size_t slot) {
    {
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(slots.insert(slot).second) << "two jobs in slot " << slot;
      EXPECT_LE(slots.size(), 4U) << "more than the capacity";
      if (job == 7) {
        EXPECT_EQ(slots.size(), 1U) << "a job heavier than the capacity runs alone";
      }
      ran.insert(job);
    }
    std::this_thread::sleep_for(1ms);
    const std::lock_guard lock(mutex);
    slots.erase(slot);
  });
  EXPECT_EQ(ran.size(), jobs.size());
  for (size_t job = 0; job < jobs.size(); job++) EXPECT_EQ(ran.count(job), 1U);
}

TEST(BenchCases, TheMatrixIsCompleteAndEachCaseHasItsAlgorithms) {
  Selection selection;
  selection.seeds = 1;
  std::map<std::string, int> runs;
  for (const Scenario& one : scenarios(selection)) runs[one.name]++;
  EXPECT_EQ(runs["alone"], 4 * 3 * 3 * 4 * 3);
  EXPECT_EQ(runs["four"], 3 * 3);
  EXPECT_EQ(runs["weights"], 3) << "only sluice has weights";
  EXPECT_EQ(runs.size(), cases().size());
}

TEST(BenchCases, StartTimesDependOnTheSeedAlone) {
  Selection selection;
  selection.only = {"four"};
  selection.algorithms = {"cubic"};
  selection.buffers_bdp = {1};
  selection.seeds = 2;
  const auto first = scenarios(selection);
  const auto again = scenarios(selection);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].flows[1].start, again[0].flows[1].start);
  EXPECT_NE(first[0].flows[1].start, first[1].flows[1].start);
  EXPECT_NE(first[0].seed, first[1].seed);
}

TEST(BenchCases, ShortRunsLastAsLongAsTheirCaseNeeds) {
  Selection selection;
  selection.only = {"latecomer", "weights", "four"};
  selection.algorithms = {"sluice"};
  selection.seconds = 5;
  for (const Scenario& one : scenarios(selection)) {
    if (one.name == "four") {
      EXPECT_EQ(one.lasts, 5s);
    }
    if (one.name == "latecomer") {
      EXPECT_GE(one.lasts, 31s);
    }
    if (one.name == "weights") {
      EXPECT_GT(one.lasts, 30s);
    }
  }
}

}  // namespace
}  // namespace sluice::benchmark
