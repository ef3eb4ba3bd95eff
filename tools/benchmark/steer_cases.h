// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The cases of `bench steer`, and the path that each one verifies by counters.
#pragma once

#include <array>
#include <string_view>

#include "benchmark/director.h"
#include "benchmark/traffic.h"

namespace sluice::benchmark {

enum class Path {
  empty,          // a second empty program: the error of the figures
  encapsulation,  // the encapsulation alone, without a decision
  not_ours,       // packets for no service
  settled,        // settled slots: by hash alone
  tracked,        // moving slots: by the flow table
  translated,     // by an existing translation
  opening,        // SYNs to settled slots, which store nothing
};

struct Case {
  std::string_view name;
  Path path;
  Mode mode;
  bool v6;
};

inline constexpr std::array<Case, 11> kSteerCases{{
    {"empty", Path::empty, Mode::ipip, false},
    {"encapsulation", Path::encapsulation, Mode::ipip, false},
    {"not-ours", Path::not_ours, Mode::ipip, false},
    {"settled-v4", Path::settled, Mode::ipip, false},
    {"syn-flood", Path::opening, Mode::ipip, false},
    {"moving-hit", Path::tracked, Mode::ipip, false},
    {"settled-v6", Path::settled, Mode::ipip, true},
    {"settled-gue", Path::settled, Mode::gue, false},
    {"settled-l2", Path::settled, Mode::l2, false},
    {"settled-nat", Path::settled, Mode::nat, false},
    {"snat-hit", Path::translated, Mode::snat, false},
}};

}  // namespace sluice::benchmark
