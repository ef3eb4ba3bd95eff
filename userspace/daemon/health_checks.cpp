// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/health_checks.h"

#include <unordered_map>

#include "daemon/probe_paths.h"
#include "sluice/probe.h"

namespace sluice {

namespace {

std::string url_host(const Address& address) {
  return address.is_v4() ? address.text() : "[" + address.text() + "]";
}

}  // namespace

Subject check_subject(const HealthCheck& check, const Service& service, const Backend& backend,
                      bool probed) {
  Subject subject;
  subject.check = &check;
  subject.at = backend.at;
  // Only the modes that translate change the port; in the others backends listen on the service's.
  const bool keeps_port = !replies_come_here(service.mode);
  if (check.port != 0)
    subject.at.port = check.port;
  else if (service.endpoint.port != 0 && (keeps_port || subject.at.port == 0))
    subject.at.port = service.endpoint.port;
  if (probed) subject.mark = SLUICE_PROBE_MARK | backend.number;
  subject.service = service.name;
  subject.host = check.host.empty() ? url_host(service.endpoint.address) : check.host;
  return subject;
}

Health::Health(EventLoop& loop, uint64_t seed, std::function<void()> changed,
               std::function<void(const std::string&)> log)
    : changed_(std::move(changed)),
      log_(std::move(log)),
      prober_(loop, seed, [this](const BackendName& name, bool failing, const std::string& why) {
        log_(
            failing
                ? fmt::format("backend {} of {}: its checks fail: {}", name.second, name.first, why)
                : fmt::format("backend {} of {}: its checks pass again", name.second, name.first));
        changed_();
      }) {}

void Health::set_file(const Desired& desired) {
  std::map<std::string, Rule> rules;
  if (desired.services) {
    for (const DesiredService& each : *desired.services) {
      Rule& rule = rules[each.service.name];
      rule.all_down = each.all_down;
      if (!each.health) continue;
      // An unchanged check stays the same object, so that its backends keep their standing.
      const auto before = rules_.find(each.service.name);
      rule.check =
          before != rules_.end() && before->second.check && *before->second.check == *each.health
              ? before->second.check
              : std::make_shared<const HealthCheck>(*each.health);
    }
  }
  rules_ = std::move(rules);
  watch();
}

void Health::set_state(const KernelState& state) {
  if (state == state_) return;
  state_ = state;
  watch();
}

void Health::watch() {
  std::unordered_map<uint32_t, const Service*> services;
  for (const Service& service : state_.services) {
    if (!service.removing) services.emplace(service.number, &service);
  }
  std::vector<Watched> all;
  for (const Backend& backend : state_.backends) {
    const auto service = services.find(backend.service);
    if (backend.removing || service == services.end()) continue;
    const auto rule = rules_.find(service->second->name);
    if (rule == rules_.end() || !rule->second.check) continue;
    all.push_back({.name = {service->second->name, backend.at.text()},
                   .check = rule->second.check,
                   .subject = check_subject(*rule->second.check, *service->second, backend,
                                            state_.probed.contains(backend.number)),
                   .failing = backend.failing});
  }
  prober_.watch(all);
  changed_();
}

std::vector<Backend> Health::probed_backends() const {
  std::unordered_map<uint32_t, const Service*> services;
  for (const Service& service : state_.services) services.emplace(service.number, &service);
  std::vector<Backend> all;
  for (const Backend& backend : state_.backends) {
    const auto service = services.find(backend.service);
    if (backend.removing || service == services.end()) continue;
    const auto rule = rules_.find(service->second->name);
    if (rule != rules_.end() && rule->second.check &&
        can_be_probed(*rule->second.check, *service->second, backend))
      all.push_back(backend);
  }
  return all;
}

std::vector<Observation> Health::marks() const {
  std::unordered_map<uint32_t, std::vector<Member>> members;
  for (const Backend& backend : state_.backends) {
    if (!backend.removing) {
      members[backend.service].push_back(
          {backend.at,
           {.serves = backend.state == BackendState::up && backend.weight > 0,
            .failing = false,
            .marked = backend.failing}});
    }
  }
  std::vector<Observation> observations;
  for (const Service& service : state_.services) {
    const auto found = members.find(service.number);
    if (service.removing || found == members.end()) continue;
    const auto rule = rules_.find(service.name);
    const bool checked = rule != rules_.end() && rule->second.check;
    std::vector<MonitoredBackend> monitored_backends;
    for (Member& member : found->second) {
      member.monitored.failing = checked && prober_.failing({service.name, member.at.text()});
      monitored_backends.push_back(member.monitored);
    }
    const std::vector<bool> marks =
        marks_after(monitored_backends, checked ? rule->second.all_down : AllDown::drop);
    for (size_t i = 0; i < marks.size(); i++) {
      if (marks[i] != monitored_backends[i].marked)
        observations.push_back({service.name, found->second[i].at, marks[i]});
    }
  }
  return observations;
}

}  // namespace sluice
