// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice service settle: ends the tracking of flows where the ring alone determines the backend.
#include "cli/absent.h"
#include "cli/nouns.h"
#include "control/settle.h"

namespace sluice {
namespace {

struct SettleOptions {
  std::string name;
  bool all = false;
};

Json settling_json(const Settling& settling) {
  return {{"service", settling.service},
          {"settled_slots", settling.settled},
          {"moving_slots", settling.moving},
          {"departing_flows", settling.departing},
          {"purged_flows", settling.purged},
          {"youngest_s", settling.moving > 0 ? Json(settling.youngest_s) : Json(nullptr)},
          {"sentence", settling_text(settling)}};
}

void tell_settlings(Context& context, const std::vector<Settling>& settlings) {
  if (context.json) {
    Json list = Json::array();
    for (const auto& settling : settlings) list.push_back(settling_json(settling));
    print_json(context, {{"dry_run", context.dry_run}, {"services", std::move(list)}});
    return;
  }
  std::ostream& stream = context.dry_run ? context.out : context.err;
  for (const auto& settling : settlings) {
    if (context.dry_run && settling.settled > 0) stream << "would change: ";
    stream << settling_text(settling) << '\n';
  }
  if (settlings.empty()) say(context, "no service has moving slots");
}

Result<std::vector<Settling>> settle(const std::optional<std::string>& name, Context& context) {
  const auto exists = TRY(instance_exists(context));
  if (!exists) {
    AbsentInstance nothing;
    return settle_services(nothing, name, Apply::only_show);
  }
  auto instance = TRY(context.dry_run ? Instance::open(context.instance)
                                      : Instance::open_locked(context.instance));
  return settle_services(instance.dataplane(), name,
                         context.dry_run ? Apply::only_show : Apply::perform);
}

Result<void> run_settle(const SettleOptions& options, Context& context) {
  if (options.all != options.name.empty())
    return misused("service settle: give one service, or --all");
  std::optional<std::string> name;
  if (!options.all) {
    name = TRY(parse_service_name(options.name));
  }
  const auto settlings = TRY(settle(name, context));
  tell_settlings(context, settlings);
  return {};
}

}  // namespace

void add_service_settle(CLI::App* noun, Context& context) {
  auto options = std::make_shared<SettleOptions>();
  CLI::App* verb =
      add_verb(*noun, "settle", "Stop tracking flows where the ring alone determines the backend",
               "  sluice service settle web\n"
               "  sluice service settle --all\n");
  add_argument(verb, "NAME", options->name, "the service's name");
  verb->add_flag("--all", options->all, "every service with moving slots")->disable_flag_override();
  runs(verb, context, options, run_settle);
}

}  // namespace sluice
