// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice apply FILE, sluice export: the whole configuration, in and out.
#include "cli/absent.h"
#include "cli/configuration_file.h"
#include "cli/nouns.h"
#include "file/write.h"
#include "kernel/instance/instance_ports.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

struct ApplyOptions {
  std::string file;
};

std::string counted(size_t number) {
  return fmt::format("{} change{}", number, number == 1 ? "" : "s");
}

void tell_applied(Context& context, const std::string& file, const Applied& applied,
                  const std::vector<std::string>& notes) {
  std::vector<std::string> all = notes;
  all.insert(all.end(), applied.notes.begin(), applied.notes.end());
  if (context.json) {
    Json document{{"file", file},
                  {"changed", !applied.changes.empty()},
                  {"dry_run", context.dry_run},
                  {"changes", applied.changes}};
    if (!all.empty()) document["notes"] = all;
    print_json(context, document);
    return;
  }
  std::ostream& stream = context.dry_run ? context.out : context.err;
  for (const auto& note : all) stream << note << '\n';
  for (const auto& change : applied.changes)
    stream << (context.dry_run ? "would change: " : "") << change << '\n';
  if (applied.changes.empty())
    stream << file << ": everything is already so\n";
  else if (!context.dry_run)
    stream << file << ": applied, " << counted(applied.changes.size()) << '\n';
}

Result<void> run_apply(const ApplyOptions& options, Context& context) {
  const auto desired = TRY(read_configuration_file(options.file, context));
  const auto exists = TRY(instance_exists(context));

  if (!exists) {
    // A refused file must not create an instance.
    AbsentInstance nothing;
    const auto shown = TRY(show_configuration(nothing, context.instance, desired));
    if (context.dry_run || shown.changes.empty()) {
      const bool creates = !shown.changes.empty();
      tell_applied(context, options.file, shown,
                   creates ? creation_note(context) : std::vector<std::string>{});
      return {};
    }
  }
  auto instance = TRY(context.dry_run ? Instance::open(context.instance)
                                      : Instance::open_locked(context.instance));
  const auto applied = TRY(
      apply_configuration(instance, desired, context.dry_run ? Apply::only_show : Apply::perform));
  const auto notes = TRY(release_notes(instance));
  tell_applied(context, options.file, applied, notes);
  return {};
}

Result<void> run_export(const ApplyOptions&, Context& context) {
  auto instance = TRY(Instance::open(context.instance));
  const auto running = TRY(running_configuration(instance));
  const std::string text = write_configuration(running);
  if (context.json)
    print_json(context, {{"configuration", text}});
  else
    context.out << text;
  return {};
}

}  // namespace

void setup_apply(CLI::App& app, Context& context) {
  auto options = std::make_shared<ApplyOptions>();
  CLI::App* verb = add_verb(app, "apply", "Apply a configuration file",
                            "  sluice apply sluice.yaml --dry-run\n"
                            "  sluice apply sluice.yaml\n");
  add_argument(verb, "FILE", options->file,
               "the configuration, in YAML; /dev/stdin for standard input")
      ->required();
  runs(verb, context, options, run_apply);

  options = std::make_shared<ApplyOptions>();
  verb = add_verb(app, "export", "Write the running configuration as a file",
                  "  sluice export > sluice.yaml\n");
  runs(verb, context, options, run_export);
}

}  // namespace sluice
