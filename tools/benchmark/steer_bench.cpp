// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/steer_bench.h"

namespace sluice::benchmark {
namespace {

bool has_director(const Case& one) {
  return one.path != Path::empty && one.path != Path::encapsulation;
}

bool tracks(const Case& one) {
  return one.path == Path::tracked || one.path == Path::translated;
}

}  // namespace

Result<SteerBench> SteerBench::open(uint32_t ifindex, const Effort& effort) {
  Traffic baseline = TRY(Traffic::load(ifindex));
  Traffic subject = TRY(Traffic::load(ifindex));
  return SteerBench(std::move(baseline), std::move(subject), effort);
}

// Reuses the director of the case before where possible: loading 10,000 services takes seconds.
Result<void> SteerBench::need_director(const Plan& plan) {
  if (director_ && plan_.mode == plan.mode && plan_.v6 == plan.v6 &&
      plan_.services == plan.services && plan_.flows >= plan.flows)
    return {};
  director_.reset();
  director_ = TRY(Director::make(plan));
  plan_ = plan;
  return {};
}

// Adds an entry for each flow, where the path needs one.
Result<void> SteerBench::fill_tables(const Case& one, const Stream& stream) {
  if (one.path == Path::tracked) {
    TRY(director_->set_rings(Rings::moving));
    subject_.prepare(stream);
    TRY(subject_.send(stream.flows));
    return director_->set_rings(Rings::hit_only);
  }
  if (one.path == Path::translated) {
    Stream opening = stream;
    opening.opening = Opening::yes;
    subject_.prepare(opening);
    return subject_.send(stream.flows);
  }
  return director_->set_rings(Rings::settled);
}

// Packets that took the path, by the program's own counters. During the trials of a table hit, a
// miss is a drop with its own verdict.
Result<uint64_t> SteerBench::verified(const Case& one, const Tally& before, uint64_t sent) {
  if (!has_director(one)) return sent;
  const Tally took = TRY(director_->tally()) - before;
  if (took.otherwise != 0) return 0;
  switch (one.path) {
    case Path::not_ours:
      return took.to_backends == 0 ? took.not_ours : 0;
    case Path::opening:
      return TRY(director_->tracked()).empty() ? took.connections : 0;
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
    TRY(need_director(plan));
  }
  const int program = one.path == Path::empty           ? subject_.empty_program()
                      : one.path == Path::encapsulation ? subject_.encapsulation_program()
                                                        : director_->program();
  TRY(baseline_.aim_at(baseline_.empty_program()));
  TRY(subject_.aim_at(program));

  for (const uint32_t count : flows) {
    const Stream stream{.v6 = one.v6,
                        .flows = count,
                        .services = services,
                        .opening = one.path == Path::opening ? Opening::yes : Opening::no,
                        .not_ours = one.path == Path::not_ours};
    if (has_director(one)) TRY(fill_tables(one, stream));
    baseline_.prepare(stream);
    subject_.prepare(stream);
    // One round over all flows, so that no trial has cold caches.
    TRY(baseline_.send(count));
    TRY(subject_.send(count));

    Tally before;
    if (has_director(one)) before = TRY(director_->tally());
    const uint64_t sent_before = subject_.sent();
    Figure figure{.name = std::string(one.name), .flows = count, .services = services};
    TRY(run_trials(meter_, effort_, baseline_, subject_, figure));
    figure.packets = subject_.sent() - sent_before;
    figure.verified = TRY(verified(one, before, figure.packets));
    figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace sluice::benchmark
