// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What turns one configuration into another: the records to write, one sentence per change, and
// what has to be derived anew. Pure. A dry run shows a difference, control/commit.h carries it out;
// every change, from the command line, a file or the daemon, is one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/configuration.h"
#include "control/derive.h"
#include "control/ports/configuration_store.h"

namespace sluice {

// A backend that no packet has seen, with its service.
struct NewBackend {
  Service service;
  Backend backend;
};

struct Difference {
  std::vector<std::string> sentences;  // in the order of `after`, then what is removed
  Writes writes;
  std::vector<uint32_t> services;  // numbers of the services that change, ascending
  std::vector<NewBackend> added;
  DirtySet dirty;
  // False: one call to the kernel writes all of it, which needs no journal.
  bool needs_journal = false;

  [[nodiscard]] bool empty() const { return writes.empty(); }
};

// Why a backend changes decides the word for its recovery: the operator lifts the failure ("no
// longer failing"), a health check reports it ("healthy").
enum class Cause { request, observation };

// In `after`, what is removed is missing; nothing in it has become `removing`. New services and
// backends have their numbers.
[[nodiscard]] Difference difference(const Configuration& before, const Configuration& after,
                                    Cause cause);

}  // namespace sluice
