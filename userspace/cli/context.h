// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What every command shares: the global options, the output streams, and access to the instance.
// Data goes to stdout, messages to stderr. With --json the outcome of a change is data.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/json.h"
#include "control/changes.h"
#include "control/ports/dataplane.h"
#include "daemon/daemon_ports.h"
#include "kernel/instance/instance.h"
#include "support/result.h"

namespace sluice {

struct Context {
  std::ostream& out;
  std::ostream& err;
  std::string instance = "sluice";
  bool json = false;
  bool dry_run = false;
  RunDaemon daemon{};
  // Set while the arguments are parsed, run once all of them are valid.
  std::function<Result<void>()> command;
};

void print_json(Context& context, const Json& document);

// Reports a change on stderr. A dry run reports on stdout: its report is the data asked for.
void tell(Context& context, const Change& change, const std::vector<std::string>& notes = {});
// A message on stderr; none with --json.
void say(Context& context, std::string_view words);

Result<bool> instance_exists(const Context& context);
// The note of a dry run whose change would create the instance first.
[[nodiscard]] std::vector<std::string> creation_note(const Context& context);

// A note if the instance runs the programs of another version.
Result<std::vector<std::string>> release_notes(const Instance& instance);

// What a change does if the instance does not exist: create it, or nothing, since there is nothing
// to change.
enum class WhenAbsent { create, nothing_to_change };

using UseCase = std::function<Result<Change>(Dataplane, Apply)>;

// Carries out one change of control/changes.h under the instance's lock, and reports it. With
// --dry-run it only reports.
Result<void> change(Context& context, WhenAbsent when_absent, const UseCase& use_case);

}  // namespace sluice
