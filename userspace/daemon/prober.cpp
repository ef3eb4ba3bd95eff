// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/prober.h"

#include <algorithm>
#include <set>

#include "daemon/http_checker.h"
#include "daemon/script_checker.h"
#include "daemon/tcp_checker.h"
#include "daemon/udp_checker.h"

namespace sluice {

struct Prober::Target {
  explicit Target(EventLoop& loop) : timer(loop, [this] { due(); }) {}

  void due() {
    if (attempt)
      prober->time_out(*this);
    else
      prober->begin(*this);
  }

  Prober* prober = nullptr;
  Watched watched;
  Standing standing;
  CheckCounts counts;
  uint64_t took_us = 0;
  std::string why;
  uint64_t began_ns = 0;
  Timer timer;  // until the next check, or until the time-out of the one under way
  std::unique_ptr<Attempt> attempt;
};

Prober::Prober(EventLoop& loop, uint64_t seed, Changed changed)
    : loop_(loop), random_(seed), changed_(std::move(changed)), ready_(loop) {}

Prober::~Prober() {
  targets_.clear();  // attempts are destroyed before their checkers
}

// A checker is created with the first check of its kind.
Checker& Prober::checker_of(CheckKind kind) {
  auto& checker = checkers_[kind];
  if (checker) return *checker;
  switch (kind) {
    case CheckKind::tcp:
      checker = std::make_unique<TcpChecker>(ready_);
      break;
    case CheckKind::http:
    case CheckKind::https:
      checker = std::make_unique<HttpChecker>(loop_, ready_);
      break;
    case CheckKind::dns:
    case CheckKind::udp:
      checker = std::make_unique<UdpChecker>(ready_);
      break;
    case CheckKind::script:
      checker = std::make_unique<ScriptChecker>(loop_);
      break;
  }
  return *checker;
}

void Prober::watch(const std::vector<Watched>& all) {
  std::set<BackendName> wanted;
  for (const Watched& watched : all) {
    wanted.insert(watched.name);
    auto& target = targets_[watched.name];
    const bool is_new = !target;
    if (is_new) {
      target = std::make_unique<Target>(loop_);
      target->prober = this;
      target->standing.failing = watched.failing;
    }
    const bool same_check = !is_new && *target->watched.check == *watched.check &&
                            target->watched.subject.at == watched.subject.at &&
                            target->watched.subject.mark == watched.subject.mark;
    if (same_check) continue;
    target->attempt.reset();
    target->watched = watched;
    target->watched.subject.check = target->watched.check.get();
    // A random start spreads the checks; started together they would stay together.
    target->timer.start(random() % (watched.check->interval_ms + 1));
  }
  std::erase_if(targets_, [&](const auto& named) { return !wanted.contains(named.first); });
}

bool Prober::failing(const BackendName& name) const {
  const auto found = targets_.find(name);
  return found != targets_.end() && found->second->standing.failing;
}

void Prober::check_now(const BackendName& name) {
  const auto found = targets_.find(name);
  if (found == targets_.end() || found->second->attempt || !found->second->watched.check->passive)
    return;
  found->second->timer.start(0);
}

void Prober::begin(Target& target) {
  target.began_ns = uv_hrtime();
  // Before begin(): a result at once restarts the timer.
  target.timer.start(target.watched.check->timeout_ms);
  Checker& checker = checker_of(target.watched.check->kind);
  StartedCheck started = checker.begin(
      target.watched.subject, [&](const CheckResult& answer) { end(target, answer, false); });
  target.attempt = std::move(started.attempt);
  if (started.result) end(target, *started.result, false);
}

// If the loop was busy, timers fire before results that have arrived are read. Such results count,
// so they are read first.
void Prober::time_out(Target& target) {
  while (ready_.handle_ready() && target.attempt) {
  }
  if (!target.attempt) return;
  const auto ms = target.watched.check->timeout_ms;
  end(target, {CheckResult::Kind::failed, fmt::format("no response within {} ms", ms)}, true);
}

void Prober::count(CheckCounts& counts, const CheckResult& answer, bool timed_out) const {
  counts.passed += answer.kind == CheckResult::Kind::passed ? 1 : 0;
  counts.failed += answer.kind == CheckResult::Kind::failed ? 1 : 0;
  counts.unable += answer.kind == CheckResult::Kind::unable ? 1 : 0;
  counts.timed_out += timed_out ? 1 : 0;
}

void Prober::end(Target& target, const CheckResult& answer, bool timed_out) {
  target.attempt.reset();
  const HealthCheck& check = *target.watched.check;
  const uint64_t took_ns = uv_hrtime() - target.began_ns;
  count(target.counts, answer, timed_out);
  count(totals_[check.kind], answer, timed_out);
  if (!timed_out) target.took_us = took_ns / 1000;
  target.why = answer.why;

  const bool was_failing = target.standing.failing;
  if (answer.kind != CheckResult::Kind::unable) {
    target.standing =
        standing_after(check, target.standing, answer.kind == CheckResult::Kind::passed);
  }
  const uint64_t took_ms = took_ns / 1'000'000;
  const uint64_t next_ms = next_check_ms(check, target.standing, random());
  target.timer.start(next_ms > took_ms ? next_ms - took_ms : 0);
  if (target.standing.failing != was_failing) {
    changed_(target.watched.name, target.standing.failing, answer.why);
  }
}

std::vector<Progress> Prober::progress() const {
  std::vector<Progress> all;
  all.reserve(targets_.size());
  for (const auto& [name, target] : targets_) {
    all.push_back({name, target->standing, target->counts, target->took_us, target->why});
  }
  return all;
}

}  // namespace sluice
