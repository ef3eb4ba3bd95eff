// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice congestion unload|list|show: the instance's congestion control, which the kernel knows by
// its name in every network namespace. load and watch have files of their own.
#include <array>

#include "cli/congestion_command.h"
#include "cli/congestion_output.h"
#include "cli/flow_state.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "kernel/congestion/choice.h"

namespace sluice {
namespace {

struct Unloaded {
  std::string name;
  bool changed = false;
  std::vector<std::string> undone{};  // sentences about reverted selections
};

Result<Unloaded> unload(const CongestionOptions& options, const std::string& name,
                        Context& context) {
  const auto exists = TRY(instance_exists(context));
  if (!exists) return Unloaded{.name = name};
  auto instance = TRY(context.dry_run ? Instance::open(context.instance)
                                      : Instance::open_locked(context.instance));
  const auto control = TRY(find_congestion(options, instance.directory()));
  const std::string which = control ? control->name : name;
  if (context.dry_run) return Unloaded{.name = which, .changed = control.has_value()};
  // Reverted first: no selection may be left with a name that the kernel no longer knows.
  auto undone = TRY(undo_choices(instance.directory(), which));
  // Also if none is loaded: pins of an earlier one may be left.
  const auto unloaded = TRY(congestion_unload(instance.directory(), which));
  return Unloaded{.name = which, .changed = unloaded, .undone = std::move(undone)};
}

Result<void> run_unload(const CongestionOptions& options, Context& context) {
  const auto name = TRY(congestion_name(options, context));
  const auto unloaded = TRY(unload(options, name, context));
  StepSentences steps;
  steps.add(unloaded.changed, fmt::format("congestion control {}: {}", unloaded.name,
                                          unloaded.changed ? "unloaded" : "is not loaded"));
  for (const std::string& sentence : unloaded.undone) steps.add(true, sentence);
  tell(context, steps.change());
  return {};
}

Result<void> run_list(const CongestionOptions&, Context& context) {
  const auto exists = TRY(instance_exists(context));
  std::string directory;
  if (exists) {
    const auto instance = TRY(Instance::open(context.instance));
    directory = instance.directory();
  }
  const auto controls = TRY(congestion_list(directory));
  if (context.json) {
    Json list = Json::array();
    for (const auto& control : controls) list.push_back(congestion_json(control));
    print_json(context, list);
  } else if (controls.empty()) {
    say(context, "no congestion control is loaded; load one: sluice congestion load");
  } else {
    print_congestion(context.out, controls);
  }
  return {};
}

// Sockets of the instance by state, in the contract's order.
using Sockets = std::array<uint64_t, SLUICE_CONGESTION_STATE_COUNT>;

Result<Sockets> sockets_by_state(Instance& instance) {
  const auto records = TRY(instance.flows());
  Sockets sockets{};
  for (const auto& record : records) {
    if (record.congestion && record.congestion->state < sockets.size()) {
      sockets[record.congestion->state]++;
    }
  }
  return sockets;
}

Json shown_json(const CongestionControl& control, const std::vector<Choice>& used_by,
                const std::vector<CongestionSumView>& sums, const Sockets& sockets) {
  Json document = congestion_json(control);
  document["used_by"] = Json::array();
  for (const Choice& choice : used_by) document["used_by"].push_back(choice.text());
  document["services"] = Json::array();
  for (const auto& view : sums) document["services"].push_back(congestion_sum_json(view));
  document["sockets"] = Json::object();
  for (uint32_t state = 0; state < sockets.size(); state++) {
    document["sockets"][std::string(congestion_state_text(state))] = sockets[state];
  }
  return document;
}

Result<void> run_show(const CongestionOptions& options, Context& context) {
  const auto name = TRY(congestion_name(options, context));
  auto instance = TRY(Instance::open(context.instance));
  const auto control = TRY(find_congestion(options, instance.directory()));
  if (!control) {
    return failed("congestion control {}: it is not loaded; load it: sluice congestion load", name);
  }
  const auto sockets = TRY(sockets_by_state(instance));
  const auto used_by = TRY(choices(instance.directory()));
  const auto sums = TRY(congestion_sum_views(instance));
  if (context.json) {
    print_json(context, shown_json(*control, used_by, sums, sockets));
    return {};
  }
  Facts facts;
  facts.add("name", control->name);
  facts.add("map", std::to_string(control->map_id));
  facts.add("linked", control->linked ? "yes" : "no");
  facts.add("of this instance", control->pinned ? "yes" : "no");
  for (const Choice& choice : used_by) facts.add("used by", choice.text());
  for (uint32_t state = 0; state < sockets.size(); state++) {
    facts.add(fmt::format("sockets in {}", congestion_state_text(state)),
              std::to_string(sockets[state]));
  }
  facts.print(context.out);
  print_congestion_sums(context.out, sums);
  return {};
}

}  // namespace

void setup_congestion(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "congestion", "The congestion control of this host's own sockets",
                            "  sluice congestion load\n"
                            "  ip route change default via 192.0.2.1 congctl sluice\n");
  const auto add = [&](const std::string& verb, const std::string& description,
                       Result<void> (*run)(const CongestionOptions&, Context&)) {
    auto options = std::make_shared<CongestionOptions>();
    CLI::App* added = add_verb(*noun, verb, description, "  sluice congestion " + verb + "\n");
    add_value(added, "--name", "NAME", options->name,
              "its name, if it is not the instance's congestion control");
    runs(added, context, std::move(options), run);
  };
  add_congestion_load(noun, context);
  add("unload", "Unregister it and revert its selections; sockets that use it keep it", run_unload);
  add("show", "Whether it is loaded, what uses it, and the state of its sockets", run_show);
  add_congestion_watch(noun, context);
  CLI::App* list = add_verb(*noun, "list", "All congestion controls that sluice has loaded",
                            "  sluice congestion list\n");
  runs(list, context, std::make_shared<CongestionOptions>(), run_list);
}

}  // namespace sluice
