// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What should be: the configuration file, read and valid in itself. A section that the file does
// not have is left as it is; one that it has is complete, and what is not in it goes. Where
// something stands in the file goes with it, so that whoever refuses it can point there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/component.h"
#include "model/health.h"
#include "model/policy.h"
#include "model/service.h"

namespace sluice {

// Of a file, both from 1. No part of what is said there.
struct Mark {
  uint32_t line = 0;
  uint32_t column = 0;

  friend bool operator==(const Mark&, const Mark&) { return true; }
};

// One sentence: what is wrong at this place of the file and how it becomes right.
struct FileError {
  Mark mark;
  std::string text;
};

struct DesiredBackend {
  HostPort at;
  uint32_t weight = 100;  // where weights adapt, what they start from
  BackendState state = BackendState::up;
  Mark mark{};

  friend bool operator==(const DesiredBackend&, const DesiredBackend&) = default;
};

struct DesiredFilter {
  Prefix prefix;
  FilterAction action = FilterAction::deny;
  Mark mark{};

  friend bool operator==(const DesiredFilter&, const DesiredFilter&) = default;
};

struct DesiredClientWeight {
  Prefix prefix;
  uint32_t weight = 1;
  Mark mark{};

  friend bool operator==(const DesiredClientWeight&, const DesiredClientWeight&) = default;
};

struct DesiredService {
  Service service;  // name, endpoint and options; without a number
  Policy policy{};
  std::vector<DesiredFilter> filters{};
  std::vector<DesiredClientWeight> client_weights{};
  std::vector<DesiredBackend> backends{};
  // Where there is one, it says whether a backend that should be up is up or down.
  std::optional<HealthCheck> health{};
  AllDown all_down = AllDown::drop;
  Weights weights = Weights::fixed;
  Mark mark{};  // of its name
  Mark endpoint_mark{};
  Mark policy_mark{};

  friend bool operator==(const DesiredService&, const DesiredService&) = default;
};

struct DesiredAttachment {
  std::string device;
  Component part = Component::steer;
  AttachSettings settings{};
  Mark mark{};

  friend bool operator==(const DesiredAttachment&, const DesiredAttachment&) = default;
};

struct DesiredCongestion {
  bool loaded = true;
  std::string name{};  // empty: named after the instance
  Mark mark{};

  friend bool operator==(const DesiredCongestion&, const DesiredCongestion&) = default;
};

// What `sluice run` does beside following the file.
struct RunOptions {
  std::optional<HostPort> metrics{};  // where Prometheus asks; none: nowhere
  uint32_t settle_s = 60;             // how often slots that moved are settled

  friend bool operator==(const RunOptions&, const RunOptions&) = default;
};

struct Desired {
  std::optional<std::vector<DesiredService>> services{};  // in the order of the file
  std::optional<std::vector<DesiredAttachment>> attachments{};
  std::optional<DesiredCongestion> congestion{};
  RunOptions run{};

  friend bool operator==(const Desired&, const Desired&) = default;
};

}  // namespace sluice
