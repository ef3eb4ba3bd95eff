// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/steer_bench.h"

namespace sluice::benchmark {
namespace {

bool has_director(const Case& one) {
  return one.way != Way::nothing && one.way != Way::bare;
}

bool tracks(const Case& one) {
  return one.way == Way::tracked || one.way == Way::translated;
}

}  // namespace

Result<SteerBench> SteerBench::open(uint32_t ifindex, const Effort& effort) {
  auto baseline = Traffic::load(ifindex);
  if (!baseline) return tl::unexpected(baseline.error());
  auto subject = Traffic::load(ifindex);
  if (!subject) return tl::unexpected(subject.error());
  return SteerBench(std::move(*baseline), std::move(*subject), effort);
}

// Cases that can share one do: loading and laying out ten thousand services takes its time.
Result<void> SteerBench::need_director(const Plan& plan) {
  if (director_ && plan_.mode == plan.mode && plan_.v6 == plan.v6 &&
      plan_.services == plan.services && plan_.flows >= plan.flows)
    return {};
  director_.reset();
  auto director = Director::make(plan);
  if (!director) return tl::unexpected(director.error());
  director_ = std::move(*director);
  plan_ = plan;
  return {};
}

// What has to be in the tables before: each flow's entry.
Result<void> SteerBench::make_known(const Case& one, const Stream& stream) {
  if (one.way == Way::tracked) {
    if (auto done = director_->set_rings(Rings::moving); !done) return done;
    subject_.prepare(stream);
    if (auto done = subject_.send(stream.flows); !done) return done;
    return director_->set_rings(Rings::hit_only);
  }
  if (one.way == Way::translated) {
    Stream opening = stream;
    opening.opening = Opening::yes;
    subject_.prepare(opening);
    return subject_.send(stream.flows);
  }
  return director_->set_rings(Rings::settled);
}

Result<void> SteerBench::run_trials(Figure& figure) {
  const uint32_t packets = effort_.packets;
  std::vector<Cost> nets;
  std::vector<Cost> empties;
  for (uint32_t trial = 0; trial < effort_.trials; trial++) {
    meter_.begin();
    if (auto done = baseline_.send(packets); !done) return done;
    const Cost empty = meter_.end(packets);
    meter_.begin();
    if (auto done = subject_.send(packets); !done) return done;
    const Cost whole = meter_.end(packets);
    empties.push_back(empty);
    nets.push_back({whole.ns - empty.ns, whole.instructions - empty.instructions,
                    whole.cycles - empty.cycles});
  }
  figure.trials = effort_.trials;
  figure.net = median(nets);
  figure.empty = median(empties);
  return {};
}

// From the program's own counters. A hit cannot be mistaken for a miss: for the trials a miss is a
// drop with a verdict of its own.
Result<uint64_t> SteerBench::verified(const Case& one, const Tally& before, uint64_t sent) {
  if (!has_director(one)) return sent;
  auto after = director_->tally();
  if (!after) return tl::unexpected(after.error());
  const Tally took = *after - before;
  if (took.otherwise != 0) return 0;
  switch (one.way) {
    case Way::passed:
      return took.to_backends == 0 ? took.not_ours : 0;
    case Way::opening: {
      auto tracked = director_->tracked();
      if (!tracked) return tl::unexpected(tracked.error());
      return tracked->empty() ? took.connections : 0;
    }
    default:
      return took.connections == 0 ? took.to_backends : 0;
  }
}

Result<std::vector<Figure>> SteerBench::measure(const Case& one, uint32_t services,
                                                const std::vector<uint32_t>& flows) {
  std::vector<Figure> figures;
  if (has_director(one)) {
    const Plan plan{.mode = one.mode,
                    .v6 = one.v6,
                    .services = services,
                    .flows = tracks(one) ? flows.back() : 0};
    if (auto done = need_director(plan); !done) return tl::unexpected(done.error());
  }
  const int program = one.way == Way::nothing ? subject_.empty_program()
                      : one.way == Way::bare  ? subject_.encapsulation_program()
                                              : director_->program();
  if (auto done = baseline_.aim_at(baseline_.empty_program()); !done)
    return tl::unexpected(done.error());
  if (auto done = subject_.aim_at(program); !done) return tl::unexpected(done.error());

  for (const uint32_t count : flows) {
    const Stream stream{.v6 = one.v6,
                        .flows = count,
                        .services = services,
                        .opening = one.way == Way::opening ? Opening::yes : Opening::no,
                        .strangers = one.way == Way::passed};
    if (has_director(one)) {
      if (auto done = make_known(one, stream); !done) return tl::unexpected(done.error());
    }
    baseline_.prepare(stream);
    subject_.prepare(stream);
    // Once over everything, so that no trial pays for a first time.
    if (auto done = baseline_.send(count); !done) return tl::unexpected(done.error());
    if (auto done = subject_.send(count); !done) return tl::unexpected(done.error());

    Tally before;
    if (has_director(one)) {
      auto tally = director_->tally();
      if (!tally) return tl::unexpected(tally.error());
      before = *tally;
    }
    const uint64_t sent_before = subject_.sent();
    Figure figure{.name = std::string(one.name), .flows = count, .services = services};
    if (auto done = run_trials(figure); !done) return tl::unexpected(done.error());
    figure.packets = subject_.sent() - sent_before;
    auto proven = verified(one, before, figure.packets);
    if (!proven) return tl::unexpected(proven.error());
    figure.verified = *proven;
    figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace sluice::benchmark
