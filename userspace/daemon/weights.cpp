// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/weights.h"

#include <unordered_map>

namespace sluice {

namespace {

// A compromise: enough responses for a mean, and a slow server is relieved within a minute.
constexpr uint64_t kPeriodMs = 5000;

std::string permille_text(uint16_t permille) {
  return permille == 0 ? "its whole weight" : fmt::format("{} permille of its weight", permille);
}

}  // namespace

void AdaptiveWeights::set_file(const Desired& desired) {
  std::map<std::string, Adapting> wanted;
  for (const DesiredService& each : desired.services.value_or(std::vector<DesiredService>{})) {
    if (each.weights == Weights::fixed) continue;
    const auto known = adapting_.find(each.service.name);
    Adapting& adapting = wanted[each.service.name];
    // A change from `advise` to `adapt` starts from the weights in force, not from the advice.
    if (known != adapting_.end() && known->second.weights == each.weights)
      adapting = std::move(known->second);
    adapting.weights = each.weights;
  }
  adapting_ = std::move(wanted);
  set_state(state_);
}

void AdaptiveWeights::set_state(const KernelState& state) {
  state_ = state;
  leftovers_.clear();
  std::unordered_map<uint32_t, const Service*> services;
  for (auto& [name, adapting] : adapting_) adapting.number = 0;
  std::map<std::string, std::vector<Member>> members;
  for (const Service& service : state_.services) {
    if (service.removing) continue;
    services.emplace(service.number, &service);
    const auto found = adapting_.find(service.name);
    if (found != adapting_.end()) found->second.number = service.number;
  }
  for (const Backend& backend : state_.backends) {
    const auto service = services.find(backend.service);
    if (backend.removing || service == services.end()) continue;
    const auto adapting = adapting_.find(service->second->name);
    if (adapting == adapting_.end() || adapting->second.weights == Weights::advise) {
      if (backend.adapted_permille != 0)
        leftovers_.push_back({service->second->name, backend.at, {}, uint16_t{0}});
    }
    if (adapting == adapting_.end()) continue;
    const bool adapts = adapting->second.weights == Weights::adapt;
    members[adapting->first].push_back(
        {.number = backend.number,
         .at = backend.at,
         .weight = effective_state(backend) == BackendState::up ? backend.weight : 0,
         .permille = backend.adapted_permille,
         .wanted = adapts ? backend.adapted_permille : uint16_t{0},
         .name = backend.at.text()});
  }
  for (auto& [name, adapting] : adapting_) {
    std::vector<Member>& now = members[name];
    for (Member& member : now) {
      for (const Member& was : adapting.members) {
        if (was.number == member.number && was.at == member.at) member.wanted = was.wanted;
      }
    }
    adapting.members = std::move(now);
  }
}

std::vector<uint32_t> AdaptiveWeights::services() const {
  std::vector<uint32_t> numbers;
  for (const auto& [name, adapting] : adapting_) {
    if (adapting.number != 0) numbers.push_back(adapting.number);
  }
  return numbers;
}

std::vector<uint32_t> AdaptiveWeights::backends() const {
  std::vector<uint32_t> numbers;
  for (const auto& [name, adapting] : adapting_) {
    for (const Member& member : adapting.members) numbers.push_back(member.number);
  }
  return numbers;
}

std::vector<BackendName> AdaptiveWeights::measured(const std::map<uint32_t, Latency>& so_far,
                                                   uint64_t now_ms) {
  std::vector<BackendName> unanswered_backends;
  std::map<uint32_t, Latency> since;
  for (const auto& [backend, latency] : so_far) {
    const auto before = before_.find(backend);
    if (before == before_.end()) continue;
    since[backend] = latency - before->second;
    Latency& gathered = gathered_[backend];
    gathered.responses += since[backend].responses;
    gathered.response_us += since[backend].response_us;
  }
  before_ = so_far;
  for (const auto& [service, adapting] : adapting_) {
    for (const Member& member : adapting.members) {
      const Latency& latency = since[member.number];
      if (latency.handshakes == 0 && latency.refused + latency.unanswered > 0)
        unanswered_backends.emplace_back(service, member.name);
    }
  }
  if (stepped_ms_ == 0) stepped_ms_ = now_ms;
  if (now_ms - stepped_ms_ < kPeriodMs) return unanswered_backends;
  const double period_s = static_cast<double>(now_ms - stepped_ms_) / 1000;
  for (auto& [service, adapting] : adapting_) step(service, adapting, gathered_, period_s);
  gathered_.clear();
  stepped_ms_ = now_ms;
  return unanswered_backends;
}

void AdaptiveWeights::step(const std::string& service, Adapting& adapting,
                           const std::map<uint32_t, Latency>& gathered, double period_s) {
  std::vector<Measured> measured;
  for (const Member& member : adapting.members) {
    const auto found = gathered.find(member.number);
    const Latency latency = found == gathered.end() ? Latency{} : found->second;
    measured.push_back({.name = member.name,
                        .weight = member.weight,
                        .permille = member.wanted,
                        .responses = latency.responses,
                        .response_us = latency.response_us});
  }
  const std::vector<uint16_t> permilles = adapting.adaptation.step(measured, period_s);
  for (size_t i = 0; i < permilles.size(); i++) {
    Member& member = adapting.members[i];
    if (permilles[i] == member.wanted) continue;
    member.wanted = permilles[i];
    if (adapting.weights == Weights::advise)
      log_(fmt::format("backend {} of {}: advised: {}, because its responses take {:.1f} ms",
                       member.name, service, permille_text(member.wanted),
                       adapting.adaptation.response_us(member.name) / 1000));
  }
}

std::vector<Observation> AdaptiveWeights::settings() const {
  std::vector<Observation> settings = leftovers_;
  for (const auto& [service, adapting] : adapting_) {
    if (adapting.weights != Weights::adapt) continue;
    for (const Member& member : adapting.members) {
      if (member.wanted != member.permille)
        settings.push_back({service, member.at, {}, member.wanted});
    }
  }
  return settings;
}

std::vector<Advice> AdaptiveWeights::advice() const {
  std::vector<Advice> all;
  for (const auto& [service, adapting] : adapting_) {
    for (const Member& member : adapting.members) {
      all.push_back({.name = {service, member.name},
                     .response_us = adapting.adaptation.response_us(member.name),
                     .part = member.wanted == 0 ? 1.0 : member.wanted / 1000.0});
    }
  }
  return all;
}

}  // namespace sluice
