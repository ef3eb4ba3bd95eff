// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The desired state: a configuration file, read and valid in itself. A section that the file lacks
// is left alone; a section that it has is complete, and what is not in it is removed. Items have
// their line and column, for error messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/component.h"
#include "model/health.h"
#include "model/policy.h"
#include "model/service_options.h"

namespace sluice {

// A position in a file, both from 1. It does not count in comparisons.
struct Mark {
  uint32_t line = 0;
  uint32_t column = 0;

  friend bool operator==(const Mark&, const Mark&) { return true; }
};

// One sentence: what is wrong at this position of the file, and the correction.
struct FileError {
  Mark mark;
  std::string text;
};

struct DesiredBackend {
  HostPort at;
  uint32_t weight = 100;  // if weights adapt: the initial one
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
  // If set, it decides whether a backend that should be up is up or down.
  std::optional<HealthCheck> health{};
  AllDown all_down = AllDown::drop;
  Weights weights = Weights::fixed;
  Mark mark{};  // of its name
  Mark endpoint_mark{};
  Mark policy_mark{};
  // Of each row of service_options(); line 0: the file does not name it.
  std::vector<Mark> option_marks = std::vector<Mark>(service_options().size());

  friend bool operator==(const DesiredService&, const DesiredService&) = default;
};

struct DesiredAttachment {
  std::string device;
  Component component = Component::steer;
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

// Options of `sluice run`.
struct RunOptions {
  std::optional<HostPort> metrics{};  // address of the Prometheus endpoint; none: no endpoint
  uint32_t settle_s = 60;             // period in which moving slots are settled

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
