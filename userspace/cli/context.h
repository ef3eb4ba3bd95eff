// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every command shares: the global options, where its words and its data go, and how it comes
// to its instance. Data on stdout, words on stderr; with --json the outcome of a change is data.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "control/changes.h"
#include "control/dataplane.h"
#include "kernel/instance/instance.h"
#include "support/result.h"

namespace sluice {

struct Context {
  std::ostream& out;
  std::ostream& err;
  std::string instance = "sluice";
  bool json = false;
  bool dry_run = false;
  // What the arguments ask for; set while they are parsed, run when all of them are good.
  std::function<Result<void>()> command;
};

void print_json(Context& context, const nlohmann::ordered_json& document);

// Says what was changed. A dry run's answer is what was asked for, hence data.
void tell(Context& context, const Change& change, const std::vector<std::string>& notes = {});
// A word to the person at the terminal, who is not there with --json.
void say(Context& context, std::string_view words);

Result<bool> instance_exists(const Context& context);
// What a dry run says beside a change for which the instance has to be created.
[[nodiscard]] std::vector<std::string> creation_note(const Context& context);

// What everybody should know who attaches or applies: that its programs are another sluice's.
Result<std::vector<std::string>> release_notes(const Instance& instance);

// What a change means for an instance that is not there: it is created, or there is nothing to
// change in it and nothing is created.
enum class WhenAbsent { create, nothing_to_change };

using UseCase = std::function<Result<Change>(Dataplane&, Apply)>;

// Carries out one of control/changes.h under the instance's lock and tells; with --dry-run only
// tells.
Result<void> change(Context& context, WhenAbsent when_absent, const UseCase& use_case);

}  // namespace sluice
