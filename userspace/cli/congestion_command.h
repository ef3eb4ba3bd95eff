// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the verbs of `sluice congestion` share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "kernel/congestion/control.h"

namespace sluice {

struct CongestionOptions {
  std::string name;
  // Of `load`: what to select the congestion control for.
  std::vector<std::string> routes;
  std::vector<std::string> listeners;
  bool whole_namespace = false;
};

// The name that a new congestion control gets: the operator's, or else the instance's with '_' for
// '-', which the kernel does not accept in these names.
Result<std::string> congestion_name(const CongestionOptions& options, const Context& context);

// The congestion control that --name gives; without it, the one of this instance, under any name.
Result<std::optional<CongestionControl>> find_congestion(const CongestionOptions& options,
                                                         const std::string& instance_dir);

// Joins the sentences of several steps into one change.
class StepSentences {
 public:
  void add(bool changed, const std::string& sentence);
  [[nodiscard]] Change change() const { return {.needed = needed_, .sentence = text_}; }

 private:
  bool needed_ = false;
  std::string text_;
};

}  // namespace sluice
