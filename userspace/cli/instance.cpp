// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice instance list|create|remove; upgrade is in instance_upgrade.cpp.
#include "cli/nouns.h"
#include "cli/status_output.h"
#include "cli/table.h"
#include "kernel/state/release.h"
#include "kernel/system/bpffs.h"
#include "sluice/limits.h"

namespace sluice {
namespace {

struct InstanceOptions {
  std::string name;
  std::string services;
  std::string backends;
  std::string flows;
};

Result<void> name_instance(const InstanceOptions& options, Context& context) {
  if (options.name.empty()) return {};
  context.instance = TRY(parse_instance_name(options.name));
  return {};
}

// Limits that are not given have the defaults, as in an instance that the first service creates.
Result<InstanceLimits> limits_of(const InstanceOptions& options) {
  InstanceLimits limits;
  const auto take = [](std::string_view what, const std::string& text, uint32_t min, uint32_t max,
                       uint32_t& limit) -> Result<void> {
    if (text.empty()) return {};
    limit = TRY(parse_capacity(what, text, min, max));
    return {};
  };
  TRY(take("services", options.services, 1, SLUICE_SERVICES_MAX, limits.services));
  TRY(take("backends", options.backends, 1, SLUICE_BACKENDS_MAX, limits.backends));
  TRY(take("flows", options.flows, SLUICE_FLOWS_MIN, SLUICE_FLOWS_MAX, limits.flows));
  return limits;
}

Result<void> run_create(const InstanceOptions& options, Context& context) {
  TRY(name_instance(options, context));
  const auto limits = TRY(limits_of(options));
  const auto exists = TRY(instance_exists(context));
  bool created = !exists;
  if (!context.dry_run || exists) {
    created = TRY(Instance::create(context.instance, limits));
  }
  const std::string what = created
                               ? fmt::format("created, for {} services, {} backends and {} flows",
                                             limits.services, limits.backends, limits.flows)
                               : "is already so";
  tell(context,
       {.needed = created, .sentence = fmt::format("instance {}: {}", context.instance, what)});
  return {};
}

Result<void> run_list(const InstanceOptions&, Context& context) {
  const auto names = TRY(Instance::list());
  std::vector<std::pair<std::string, Release>> instances;
  for (const auto& name : names) {
    auto release = TRY(loaded_release(instance_directory(name)));
    instances.emplace_back(name, std::move(release));
  }
  const Release own = own_release();
  if (context.json) {
    Json list = Json::array();
    for (const auto& [name, release] : instances)
      list.push_back(Json{{"instance", name}, {"programs", release_json(release)}});
    print_json(context, list);
  } else if (names.empty()) {
    say(context,
        "no instances; one is created with its first service: sluice service add NAME "
        "ADDR:PORT/PROTO");
  } else {
    Table table({{"INSTANCE"}, {"PROGRAMS OF"}});
    for (const auto& [name, release] : instances)
      table.add({name, release.text() + (release == own ? "" : ", not this sluice's")});
    table.print(context.out);
  }
  return {};
}

Result<void> run_remove(const InstanceOptions& options, Context& context) {
  TRY(name_instance(options, context));
  const auto removed =
      TRY(context.dry_run ? instance_exists(context) : Instance::remove(context.instance));
  tell(context,
       {.needed = removed,
        .sentence = removed ? fmt::format("instance {}: removed, with its programs, its "
                                          "congestion control and its maps",
                                          context.instance)
                            : fmt::format("instance {}: there is none", context.instance)});
  return {};
}

}  // namespace

void setup_instance(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "instance", "Independent sets of programs and maps on one machine",
                            "  sluice instance list\n"
                            "  sluice instance create --services 10000\n"
                            "  sluice instance upgrade\n");
  CLI::App* verb =
      add_verb(*noun, "list", "All instances of this machine", "  sluice instance list\n");
  runs(verb, context, std::make_shared<InstanceOptions>(), run_list);

  auto options = std::make_shared<InstanceOptions>();
  verb = add_verb(*noun, "create", "Create an instance of a given capacity",
                  "  sluice instance create --services 10000 --backends 100000\n"
                  "  sluice instance create trial --flows 1048576\n");
  add_argument(verb, "NAME", options->name, "the instance (default: that of --instance)");
  add_value(verb, "--services", "N", options->services,
            fmt::format("1 to {} (default {})", SLUICE_SERVICES_MAX, SLUICE_SERVICES_DEFAULT));
  add_value(verb, "--backends", "N", options->backends,
            fmt::format("of all services together, 1 to {} (default {})", SLUICE_BACKENDS_MAX,
                        SLUICE_BACKENDS_DEFAULT));
  add_value(verb, "--flows", "N", options->flows,
            fmt::format("in each flow table, {} to {} (default {})", SLUICE_FLOWS_MIN,
                        SLUICE_FLOWS_MAX, SLUICE_FLOWS_DEFAULT));
  runs(verb, context, options, run_create);

  add_instance_upgrade(noun, context);

  options = std::make_shared<InstanceOptions>();
  verb = add_verb(*noun, "remove", "Remove an instance: its programs, congestion control and maps",
                  "  sluice instance remove\n"
                  "  sluice instance remove trial\n");
  add_argument(verb, "NAME", options->name, "the instance (default: that of --instance)");
  runs(verb, context, options, run_remove);
}

}  // namespace sluice
