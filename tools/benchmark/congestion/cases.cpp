// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <random>

namespace sluice::benchmark {

namespace {

constexpr double kRatedMbit = 20;
constexpr double kMarkedFromMs = 1;
constexpr milliseconds kShortEvery{250};
constexpr uint64_t kShortBytes = 100'000;

const std::vector<std::string> kAlone{"utilisation", "queue_p50_ms", "queue_p95_ms",
                                      "retransmitted"};
const std::vector<std::string> kTogether{"utilisation",  "jain",         "least",
                                         "queue_p50_ms", "queue_p95_ms", "retransmitted"};
const std::vector<std::string> kBeside{"share",        "least",        "utilisation",
                                       "queue_p50_ms", "queue_p95_ms", "retransmitted"};

milliseconds ms(double value) {
  return milliseconds(static_cast<int64_t>(value));
}

// Start times vary with the seed, so that flows do not always meet in the same phase.
class Builder {
 public:
  Builder(const Selection& selection, std::string algorithm, uint64_t seed)
      : selection_(selection), algorithm_(std::move(algorithm)), seed_(seed) {}

  void build(const std::string& name);
  std::vector<Scenario> take() { return std::move(made_); }

 private:
  Scenario& add(const std::string& name, const std::string& variant, double lasts_s,
                double least_s = 0);
  void flow(Scenario& to, Role role, const std::string& algorithm, double start_s = 0);
  void alone();
  void beside(const std::string& name, const std::string& rival, int rivals);
  void marks();
  void on_off();
  void short_flows();
  void each_buffer(const std::string& name, double lasts_s,
                   const std::function<void(Scenario&)>& fill, double least_s = 0);

  const Selection& selection_;
  std::string algorithm_;
  uint64_t seed_;
  std::mt19937_64 random_;
  std::vector<Scenario> made_;
};

// `least_s`: the least duration that covers what the case measures.
Scenario& Builder::add(const std::string& name, const std::string& variant, double lasts_s,
                       double least_s) {
  Scenario made;
  made.name = name;
  made.variant = variant;
  made.algorithm = algorithm_;
  made.seed = seed_;
  const double seconds = std::max(least_s, selection_.seconds > 0 ? selection_.seconds : lasts_s);
  made.lasts = ms(seconds * 1000);
  made.warm_up = std::min(ms(seconds * 1000 / 4), milliseconds(5000));
  random_.seed(seed_);
  made_.push_back(std::move(made));
  return made_.back();
}

void Builder::flow(Scenario& to, Role role, const std::string& algorithm, double start_s) {
  FlowSpec spec;
  spec.role = role;
  spec.algorithm = algorithm;
  const auto apart =
      static_cast<double>(random_() % 1000) / 1000 * std::chrono::duration<double>(to.rtt).count();
  spec.start = ms((start_s + apart) * 1000);
  to.flows.push_back(spec);
}

void Builder::alone() {
  for (const double rate : selection_.rates_mbit)
    for (const double rtt : selection_.rtts_ms)
      for (const double buffer : selection_.buffers_bdp)
        for (const double loss : selection_.losses_percent) {
          Scenario& one =
              add("alone",
                  fmt::format("{} mbit, {} ms, {} BDP, {} % loss", rate, rtt, buffer, loss), 20);
          one.rate_mbit = rate;
          one.rtt = ms(rtt);
          one.buffer_bdp = buffer;
          one.loss_percent = loss;
          flow(one, Role::tested, algorithm_);
        }
}

void Builder::each_buffer(const std::string& name, double lasts_s,
                          const std::function<void(Scenario&)>& fill, double least_s) {
  for (const double buffer : selection_.buffers_bdp) {
    Scenario& one = add(name, fmt::format("{} BDP", buffer), lasts_s, least_s);
    one.buffer_bdp = buffer;
    fill(one);
  }
}

void Builder::beside(const std::string& name, const std::string& rival, int rivals) {
  each_buffer(name, 60, [&](Scenario& one) {
    flow(one, Role::tested, algorithm_);
    for (int i = 0; i < rivals; i++) flow(one, Role::rival, rival, 0.5);
  });
}

// Marks from a queueing delay below the one at which a delay-based flow stops growing.
void Builder::marks() {
  for (const std::string& receiver : selection_.receivers)
    for (const int flows : {1, 4}) {
      Scenario& one = add("marks",
                          fmt::format("{}, {} flow{}", receiver.empty() ? "default" : receiver,
                                      flows, flows > 1 ? "s" : ""),
                          20);
      one.ecn = true;
      one.marked_from_ms = kMarkedFromMs;
      one.receiver = receiver;
      for (int i = 0; i < flows; i++) flow(one, Role::tested, algorithm_);
    }
}

void Builder::on_off() {
  each_buffer("on-off", 70, [&](Scenario& one) {
    flow(one, Role::tested, algorithm_);
    // On for ten of every twenty seconds, scaled to the run's duration.
    const double period = std::chrono::duration<double>(one.lasts).count() / 3.5;
    for (int i = 0; i < 3; i++) {
      flow(one, Role::rival, "cubic", period * (0.5 + i));
      one.flows.back().stop = ms(period * (1 + i) * 1000);
    }
  });
}

void Builder::short_flows() {
  each_buffer("short", 30, [&](Scenario& one) {
    flow(one, Role::tested, algorithm_);
    std::exponential_distribution<double> gap(1.0);
    double at_s = std::chrono::duration<double>(one.warm_up).count();
    const double every_s = std::chrono::duration<double>(kShortEvery).count();
    // The last flows have three seconds to complete.
    while (at_s < std::chrono::duration<double>(one.lasts).count() - 3) {
      flow(one, Role::shorter, algorithm_, at_s);
      one.flows.back().bytes = kShortBytes;
      at_s += every_s * gap(random_);
    }
  });
}

void Builder::build(const std::string& name) {
  if (name == "alone") alone();
  if (name == "four")
    each_buffer(name, 30, [&](Scenario& one) {
      for (int i = 0; i < 4; i++) flow(one, Role::tested, algorithm_);
    });
  if (name == "latecomer")
    each_buffer(
        name, 35,
        [&](Scenario& one) {
          flow(one, Role::tested, algorithm_);
          flow(one, Role::late, algorithm_, 10);
        },
        31);
  if (name == "weights" && algorithm_ == "sluice")
    each_buffer(
        name, 60,
        [&](Scenario& one) {
          flow(one, Role::heavy, algorithm_);
          flow(one, Role::light, algorithm_);
        },
        40);
  if (name == "rate" && algorithm_ == "sluice")
    each_buffer(name, 20, [&](Scenario& one) {
      flow(one, Role::rated, algorithm_);
      one.target_mbit = kRatedMbit;
    });
  if (name == "mixed-rtt")
    each_buffer(name, 60, [&](Scenario& one) {
      one.rtt = milliseconds(20);
      for (const int detour : {0, 20, 40, 80}) {
        flow(one, Role::tested, algorithm_);
        one.flows.back().detour = milliseconds(detour);
      }
    });
  if (name == "jitter")
    each_buffer(name, 30, [&](Scenario& one) {
      one.jitter = milliseconds(10);
      for (int i = 0; i < 4; i++) flow(one, Role::tested, algorithm_);
    });
  if (name == "ecn")
    each_buffer(name, 20, [&](Scenario& one) {
      one.ecn = true;
      flow(one, Role::tested, algorithm_);
    });
  if (name == "marks") marks();
  if (name == "cubic-one") beside(name, "cubic", 1);
  if (name == "cubic-four") beside(name, "cubic", 4);
  if (name == "bbr-one") beside(name, "bbr", 1);
  if (name == "on-off") on_off();
  if (name == "short") short_flows();
}

}  // namespace

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"alone", "one flow", kAlone},
      {"four", "four flows of the same kind", kTogether},
      {"latecomer",
       "a second flow begins after 10 s; percent of its fair share 10 to 20 s later",
       {"late", "utilisation", "queue_p50_ms", "queue_p95_ms", "retransmitted"}},
      {"weights",
       "two services, of weights 3 and 1",
       {"ratio", "utilisation", "queue_p50_ms", "queue_p95_ms", "retransmitted"}},
      {"rate",
       "one flow, limited to 20 mbit by its service's policy",
       {"rate", "queue_p50_ms", "queue_p95_ms", "retransmitted"}},
      {"mixed-rtt", "four flows, round trips of 20, 40, 60 and 100 ms", kTogether},
      {"jitter", "four flows, plus and minus 10 ms per direction, in order", kTogether},
      {"ecn", "one flow, marked from a quarter of a BDP on", kAlone},
      {"marks",
       "one and four flows, marked from 1 ms of queue on, by receiver",
       {"utilisation", "jain", "queue_p50_ms", "queue_p95_ms", "accurate"}},
      {"cubic-one", "one flow beside one of cubic", kBeside},
      {"cubic-four", "one flow beside four of cubic", kBeside},
      {"bbr-one", "one flow beside one of bbr", kBeside},
      {"on-off",
       "one flow, and an intermittent one of cubic",
       {"share_met", "alone_utilisation", "alone_queue_p95_ms", "utilisation", "retransmitted"}},
      {"short",
       "flows of 100 KB, four a second, beside one that does not end",
       {"done_p50_ms", "done_p95_ms", "done", "goodput_mbit", "queue_p50_ms", "queue_p95_ms"}},
  };
  return all;
}

std::vector<Scenario> scenarios(const Selection& selection) {
  std::vector<Scenario> all;
  for (unsigned seed = 1; seed <= selection.seeds; seed++)
    for (const Case& one : cases()) {
      const auto& only = selection.only;
      if (!only.empty() && std::find(only.begin(), only.end(), one.name) == only.end()) continue;
      for (const std::string& algorithm : selection.algorithms) {
        Builder builder(selection, algorithm, seed);
        builder.build(one.name);
        for (Scenario& made : builder.take()) all.push_back(std::move(made));
      }
    }
  return all;
}

}  // namespace sluice::benchmark
