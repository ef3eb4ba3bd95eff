// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Selects a loaded congestion control for a route, for listening sockets or for a network
// namespace, and reverts that. Acts on the network namespace of the calling thread. Map
// `congestion_choices` of the instance holds the names from before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/address.h"
#include "sluice/choice.h"
#include "support/result.h"

namespace sluice {

enum class ChoiceKind { network_namespace, route, listener };

struct Choice {
  ChoiceKind kind = ChoiceKind::network_namespace;
  Prefix prefix;      // kind route
  HostPort endpoint;  // kind listener
  bool here = true;   // in this network namespace
  std::string netns;  // inode number of the network namespace

  // "route 198.51.100.0/24", "listeners on 10.0.0.11:443", "this network namespace".
  [[nodiscard]] std::string text() const;
};

struct ChoiceChange {
  bool changed = false;  // false: selected already
  std::string sentence;  // what was done, or would be
};

// Dry run of choose(). Refuses what choose() refuses.
Result<ChoiceChange> would_choose(const Choice& choice, const std::string& name);

// `name` must be loaded. An error changes nothing. Existing connections and later listeners are not
// affected.
Result<ChoiceChange> choose(const std::string& instance_dir, const Choice& choice,
                            const std::string& name);

// Reverts one choice that was just made. Empty: there was nothing to revert.
Result<std::string> unchoose(const std::string& instance_dir, const Choice& choice,
                             const std::string& name);

// Reverts all choices of this network namespace, except those that other software changed since.
// Returns one sentence per reverted choice, and one per choice of another namespace, which stays.
Result<std::vector<std::string>> undo_choices(const std::string& instance_dir,
                                              const std::string& name);

// After the algorithm was replaced under its name: namespaces and listeners still refer to the old
// one, and are set again.
Result<void> renew_choices(const std::string& instance_dir, const std::string& name);

// All recorded choices, of all network namespaces.
Result<std::vector<Choice>> choices(const std::string& instance_dir);

}  // namespace sluice
