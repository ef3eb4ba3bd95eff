// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice instance upgrade: replaces the programs of another version by those of this one.
#include "kernel/instance/upgrade.h"

#include <fmt/ranges.h>

#include "cli/nouns.h"
#include "cli/status_output.h"

namespace sluice {
namespace {

struct UpgradeOptions {
  std::string name;
};

std::string sentence_of(const std::string& name, const UpgradeReport& report) {
  const std::string places = report.swapped.empty()
                                 ? "nothing is attached"
                                 : fmt::format("{}", fmt::join(report.swapped, "; "));
  if (!report.changed)
    return fmt::format("instance {}: its programs are of this version already, {}", name,
                       report.to.text());
  if (report.from == report.to)
    return fmt::format("instance {}: now of {} also {}", name, report.to.text(), places);
  return fmt::format("instance {}: upgraded from {} to {}: {}", name, report.from.text(),
                     report.to.text(), places);
}

Result<void> run_upgrade(const UpgradeOptions& options, Context& context) {
  if (!options.name.empty()) {
    context.instance = TRY(parse_instance_name(options.name));
  }
  const auto report =
      TRY(upgrade(context.instance, context.dry_run ? Apply::only_show : Apply::perform));
  const std::string sentence = sentence_of(context.instance, report);
  if (!context.json) {
    tell(context, {.needed = report.changed, .sentence = sentence}, report.notes);
    return {};
  }
  print_json(context, {{"instance", context.instance},
                       {"changed", report.changed},
                       {"dry_run", context.dry_run},
                       {"sentence", sentence},
                       {"from", release_json(report.from)},
                       {"to", release_json(report.to)},
                       {"swapped", report.swapped},
                       {"notes", report.notes}});
  return {};
}

}  // namespace

void add_instance_upgrade(CLI::App* noun, Context& context) {
  auto options = std::make_shared<UpgradeOptions>();
  CLI::App* verb =
      add_verb(*noun, "upgrade",
               "Replace the programs of another version by those of this one, under traffic",
               "  sluice instance upgrade --dry-run\n"
               "  sluice instance upgrade\n"
               "  sluice instance upgrade trial\n");
  add_argument(verb, "NAME", options->name, "the instance (default: that of --instance)");
  runs(verb, context, options, run_upgrade);
}

}  // namespace sluice
