// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `bench steer` measures, and how each case proves its way.
#pragma once

#include <array>
#include <string_view>

#include "benchmark/director.h"
#include "benchmark/traffic.h"

namespace sluice::benchmark {

enum class Way {
  nothing,     // an empty program once more: how far the figures can be trusted
  bare,        // the encapsulation alone, without a decision
  passed,      // no service's
  settled,     // by hash alone
  tracked,     // its slot moves, and the flow table knows it
  translated,  // by a known translation
  opening,     // a SYN each, by hash alone, and nothing is stored
};

struct Case {
  std::string_view name;
  Way way;
  Mode mode;
  bool v6;
};

inline constexpr std::array<Case, 11> kSteerCases{{
    {"empty", Way::nothing, Mode::ipip, false},
    {"encapsulation", Way::bare, Mode::ipip, false},
    {"not-ours", Way::passed, Mode::ipip, false},
    {"settled-v4", Way::settled, Mode::ipip, false},
    {"syn-flood", Way::opening, Mode::ipip, false},
    {"moving-hit", Way::tracked, Mode::ipip, false},
    {"settled-v6", Way::settled, Mode::ipip, true},
    {"settled-gue", Way::settled, Mode::gue, false},
    {"settled-l2", Way::settled, Mode::l2, false},
    {"settled-nat", Way::settled, Mode::nat, false},
    {"snat-hit", Way::translated, Mode::snat, false},
}};

}  // namespace sluice::benchmark
