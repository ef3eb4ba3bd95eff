// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/figures.h"

#include <algorithm>
#include <cmath>

namespace sluice::benchmark {

namespace {

constexpr double kLateFrom = 10, kLateTo = 20;  // seconds after the late flow's start
constexpr double kWeighedFrom = 30;
// Seconds after a rival stops in which its queue drains.
constexpr double kAftermath = 2;
constexpr double kPercent = 100;

double seconds_of(milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

double received_at(const FlowRecord& flow, double at_s) {
  double before_s = flow.started_s;
  double before = 0;
  for (const Sample& sample : flow.samples) {
    const auto bytes = static_cast<double>(sample.received_bytes);
    if (sample.at_s >= at_s) {
      if (sample.at_s <= before_s || at_s <= before_s) return before;
      return before + (bytes - before) * (at_s - before_s) / (sample.at_s - before_s);
    }
    before_s = sample.at_s;
    before = bytes;
  }
  return before;
}

bool is_judged(Role role) {
  return role != Role::rival && role != Role::shorter;
}

struct Phase {
  double from_s, to_s;
};

// The times at which intermittent rivals were active.
std::vector<Phase> rival_phases(const Record& record) {
  std::vector<Phase> phases;
  for (const FlowRecord& flow : record.flows) {
    if (flow.spec.role == Role::rival && flow.spec.stop.count() > 0)
      phases.push_back({flow.started_s, seconds_of(flow.spec.stop)});
  }
  return phases;
}

void judge_intermittent_rivals(const Scenario& scenario, const Record& record, Figures& figures) {
  const std::vector<Phase> met = rival_phases(record);
  if (met.empty()) return;
  double judged = 0;
  double all = 0;
  double alone = 0;
  double alone_s = 0;
  std::vector<double> queue;
  for (size_t i = 0; i < met.size(); i++) {
    const double next = i + 1 < met.size() ? met[i + 1].from_s : seconds_of(scenario.lasts);
    const double calm = met[i].to_s + kAftermath;
    for (const FlowRecord& flow : record.flows) {
      const double mbit = goodput_mbit(flow, met[i].from_s, met[i].to_s);
      all += mbit * (met[i].to_s - met[i].from_s);
      if (!is_judged(flow.spec.role)) continue;
      judged += mbit * (met[i].to_s - met[i].from_s);
      if (next > calm) alone += goodput_mbit(flow, calm, next) * (next - calm);
    }
    if (next <= calm) continue;
    alone_s += next - calm;
    for (const QueueSample& sample : record.queue)
      if (sample.at_s >= calm && sample.at_s < next) queue.push_back(sample.delay_ms);
  }
  figures["share_met"] = all > 0 ? kPercent * judged / all : 0;
  if (alone_s <= 0) return;
  figures["alone_utilisation"] = kPercent * alone / alone_s / scenario.ceiling_mbit();
  figures["alone_queue_p95_ms"] = quantile(queue, 0.95);
}

void judge_short_flows(const Record& record, Figures& figures) {
  std::vector<double> times;
  size_t begun = 0;
  for (const FlowRecord& flow : record.flows) {
    if (flow.spec.role != Role::shorter) continue;
    begun++;
    if (flow.finished_s > 0) times.push_back((flow.finished_s - flow.started_s) * 1000);
  }
  if (begun == 0) return;
  figures["done"] = kPercent * static_cast<double>(times.size()) / static_cast<double>(begun);
  figures["done_p50_ms"] = quantile(times, 0.5);
  figures["done_p95_ms"] = quantile(times, 0.95);
}

}  // namespace

double goodput_mbit(const FlowRecord& flow, double from_s, double to_s) {
  if (to_s <= from_s) return 0;
  return (received_at(flow, to_s) - received_at(flow, from_s)) * 8 / 1e6 / (to_s - from_s);
}

double jain_index(const std::vector<double>& goodputs) {
  double sum = 0;
  double squares = 0;
  for (const double goodput : goodputs) {
    sum += goodput;
    squares += goodput * goodput;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(goodputs.size()) * squares) : 1;
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

Figures figures_of(const Scenario& scenario, const Record& record) {
  Figures figures;
  const double from = seconds_of(scenario.warm_up);
  const double to = seconds_of(scenario.lasts);
  double all = 0;
  std::vector<double> judged;
  uint64_t retransmitted = 0;
  uint64_t sent = 0;
  double heavy = 0;
  double light = 0;
  bool rivals = false;
  double accurate = 0;
  for (const FlowRecord& flow : record.flows) {
    const double mbit = goodput_mbit(flow, from, to);
    all += mbit;
    rivals = rivals || flow.spec.role == Role::rival;
    if (!is_judged(flow.spec.role)) continue;
    judged.push_back(mbit);
    if (flow.accurate_marks) accurate++;
    for (auto sample = flow.samples.rbegin(); sample != flow.samples.rend(); ++sample) {
      if (sample->sent_packets == 0) continue;
      retransmitted += sample->retransmitted_packets;
      sent += sample->sent_packets;
      break;
    }
    const double goes = goodput_mbit(flow, kWeighedFrom, to);
    if (flow.spec.role == Role::heavy) heavy += goes;
    if (flow.spec.role == Role::light) light += goes;
    if (flow.spec.role == Role::rated && scenario.target_mbit > 0)
      figures["rate"] = kPercent * mbit * 1500 / 1448 / scenario.target_mbit;
    if (flow.spec.role == Role::late) {
      const double fair = scenario.ceiling_mbit() / static_cast<double>(record.flows.size());
      figures["late"] = kPercent *
                        goodput_mbit(flow, flow.started_s + kLateFrom, flow.started_s + kLateTo) /
                        fair;
    }
  }
  double total = 0;
  for (const double mbit : judged) total += mbit;

  figures["utilisation"] = kPercent * all / scenario.ceiling_mbit();
  figures["goodput_mbit"] = total;
  figures["queue_mean_ms"] = record.queue_mean_ms;
  figures["queue_p50_ms"] = record.queue_p50_ms;
  figures["queue_p95_ms"] = record.queue_p95_ms;
  figures["queue_p99_ms"] = record.queue_p99_ms;
  figures["retransmitted"] =
      sent > 0 ? kPercent * static_cast<double>(retransmitted) / static_cast<double>(sent) : 0;
  if (judged.size() > 1) {
    figures["jain"] = jain_index(judged);
    const double least = *std::min_element(judged.begin(), judged.end());
    figures["least"] =
        total > 0 ? kPercent * least * static_cast<double>(judged.size()) / total : 0;
  }
  if (scenario.ecn && !judged.empty())
    figures["accurate"] = kPercent * accurate / static_cast<double>(judged.size());
  if (rivals) figures["share"] = all > 0 ? kPercent * total / all : 0;
  if (heavy > 0 || light > 0) figures["ratio"] = light > 0 ? heavy / light : 0;
  judge_intermittent_rivals(scenario, record, figures);
  judge_short_flows(record, figures);
  return figures;
}

Figures medians(const std::vector<Figures>& seeds) {
  std::map<std::string, std::vector<double>> values;
  for (const Figures& figures : seeds)
    for (const auto& [name, value] : figures) values[name].push_back(value);
  Figures middle;
  for (auto& [name, of_seeds] : values) {
    std::sort(of_seeds.begin(), of_seeds.end());
    const size_t half = of_seeds.size() / 2;
    middle[name] =
        of_seeds.size() % 2 == 1 ? of_seeds[half] : (of_seeds[half - 1] + of_seeds[half]) / 2;
  }
  return middle;
}

}  // namespace sluice::benchmark
