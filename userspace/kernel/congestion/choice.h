// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Making a loaded congestion control the choice of a route, of sockets that listen, or of a whole
// network namespace, in the namespace that the thread is in; and undoing it. What was there before
// is tracked in the instance's map `congestion_choices`.
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
  Prefix prefix;      // of a route
  HostPort endpoint;  // of a listener
  bool here = true;   // in this network namespace
  std::string netns;  // its inode

  // "route 198.51.100.0/24", "listeners on 10.0.0.11:443", "this network namespace".
  [[nodiscard]] std::string text() const;
};

// False: it is its choice already. A sentence says what was done, or would be.
struct ChoiceChange {
  bool changed = false;
  std::string sentence;
};

// What it would do, without doing it; finds everything that `choose` would refuse.
Result<ChoiceChange> would_choose(const Choice& choice, const std::string& name);

// `name` is loaded; an error leaves what there was. Listeners that begin later, and connections
// that are there, keep what they have.
Result<ChoiceChange> choose(const std::string& instance_dir, const Choice& choice,
                            const std::string& name);

// The reverse of one that was just made; empty where nothing was to be done.
Result<std::string> unchoose(const std::string& instance_dir, const Choice& choice,
                             const std::string& name);

// Gives all of this network namespace what they had before, unless somebody else gave them
// something in the meantime; sentences say what was done. What is elsewhere stays, and is said so.
Result<std::vector<std::string>> undo_choices(const std::string& instance_dir,
                                              const std::string& name);

// For a replaced algorithm: who chose the old one, and would keep it, chooses again.
Result<void> renew_choices(const std::string& instance_dir, const std::string& name);

// Those that are tracked, of all network namespaces.
Result<std::vector<Choice>> choices(const std::string& instance_dir);

}  // namespace sluice
