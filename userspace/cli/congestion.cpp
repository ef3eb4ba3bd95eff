// sluice congestion load|unload|list|show: the instance's congestion control, which the kernel
// knows by name in every network namespace.
#include <algorithm>
#include <array>

#include "cli/json.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "cli/text.h"

namespace sluice {
namespace {

struct CongestionOptions {
  std::string name;
};

// A new one is named after its instance unless the operator says otherwise. The kernel takes no
// '-' in it.
Result<std::string> new_name(const CongestionOptions& options, const Context& context) {
  std::string name = options.name.empty() ? context.instance : options.name;
  if (options.name.empty()) std::replace(name.begin(), name.end(), '-', '_');
  return parse_congestion_name(name);
}

// That of this instance, whatever its name, or the one that --name says.
Result<std::optional<CongestionControl>> present(const CongestionOptions& options,
                                                 const std::string& instance_dir) {
  const auto controls = congestion_list(instance_dir);
  if (!controls) return tl::unexpected(controls.error());
  const auto found =
      std::find_if(controls->begin(), controls->end(), [&](const CongestionControl& control) {
        return options.name.empty() ? control.pinned : control.name == options.name;
      });
  if (found == controls->end()) return std::optional<CongestionControl>{};
  return *found;
}

Change loaded_change(const std::string& name, bool changed) {
  return {.needed = changed,
          .sentence = fmt::format("congestion control {}: {}", name,
                                  changed ? "loaded" : "is loaded already")};
}

Result<void> show_load(const std::string& name, Context& context) {
  const auto exists = instance_exists(context);
  if (!exists) return tl::unexpected(exists.error());
  if (!*exists) {
    tell(context, loaded_change(name, true), creation_note(context));
    return {};
  }
  auto instance = Instance::open(context.instance);
  if (!instance) return tl::unexpected(instance.error());
  const auto control = present({}, instance->directory());
  if (!control) return tl::unexpected(control.error());
  if (*control && (*control)->name != name) {
    return failed(
        "congestion control {}: this instance has it loaded as {}; unload that first: "
        "sluice congestion unload",
        name, (*control)->name);
  }
  tell(context, loaded_change(name, !control->has_value()));
  return {};
}

Result<void> run_load(const CongestionOptions& options, Context& context) {
  const auto name = new_name(options, context);
  if (!name) return tl::unexpected(name.error());
  if (context.dry_run) return show_load(*name, context);
  auto instance = Instance::open_locked(context.instance);
  if (!instance) return tl::unexpected(instance.error());
  const auto loaded = congestion_load(instance->directory(), *name);
  if (!loaded) return tl::unexpected(loaded.error());
  tell(context, loaded_change(*name, *loaded));
  return {};
}

struct Unloaded {
  std::string name;
  bool changed = false;
};

Result<Unloaded> unload(const CongestionOptions& options, const std::string& name,
                        Context& context) {
  const auto exists = instance_exists(context);
  if (!exists) return tl::unexpected(exists.error());
  if (!*exists) return Unloaded{.name = name};
  auto instance =
      context.dry_run ? Instance::open(context.instance) : Instance::open_locked(context.instance);
  if (!instance) return tl::unexpected(instance.error());
  const auto control = present(options, instance->directory());
  if (!control) return tl::unexpected(control.error());
  const std::string which = *control ? (*control)->name : name;
  if (context.dry_run) return Unloaded{.name = which, .changed = control->has_value()};
  // Asked even when there is none to be seen: pins may be left of one that is gone.
  const auto unloaded = congestion_unload(instance->directory(), which);
  if (!unloaded) return tl::unexpected(unloaded.error());
  return Unloaded{.name = which, .changed = *unloaded};
}

Result<void> run_unload(const CongestionOptions& options, Context& context) {
  const auto name = new_name(options, context);
  if (!name) return tl::unexpected(name.error());
  const auto unloaded = unload(options, *name, context);
  if (!unloaded) return tl::unexpected(unloaded.error());
  tell(context, {.needed = unloaded->changed,
                 .sentence = fmt::format("congestion control {}: {}", unloaded->name,
                                         unloaded->changed ? "unloaded" : "is not loaded")});
  return {};
}

Result<void> run_list(const CongestionOptions&, Context& context) {
  const auto exists = instance_exists(context);
  if (!exists) return tl::unexpected(exists.error());
  std::string directory;
  if (*exists) {
    const auto instance = Instance::open(context.instance);
    if (!instance) return tl::unexpected(instance.error());
    directory = instance->directory();
  }
  const auto controls = congestion_list(directory);
  if (!controls) return tl::unexpected(controls.error());
  if (context.json) {
    Json list = Json::array();
    for (const auto& control : *controls) list.push_back(congestion_json(control));
    print_json(context, list);
  } else if (controls->empty()) {
    say(context, "no congestion control is loaded; load one: sluice congestion load");
  } else {
    print_congestion(context.out, *controls);
  }
  return {};
}

// How many of the instance's sockets are in which state, in the contract's order.
using Sockets = std::array<uint64_t, SLUICE_CONGESTION_STATE_COUNT>;

Result<Sockets> sockets_by_state(Instance& instance) {
  const auto records = instance.flows();
  if (!records) return tl::unexpected(records.error());
  Sockets sockets{};
  for (const auto& record : *records) {
    if (record.congestion && record.congestion->state < sockets.size()) {
      sockets[record.congestion->state]++;
    }
  }
  return sockets;
}

Result<void> run_show(const CongestionOptions& options, Context& context) {
  const auto name = new_name(options, context);
  if (!name) return tl::unexpected(name.error());
  auto instance = Instance::open(context.instance);
  if (!instance) return tl::unexpected(instance.error());
  const auto control = present(options, instance->directory());
  if (!control) return tl::unexpected(control.error());
  if (!*control) {
    return failed("congestion control {}: it is not loaded; load it: sluice congestion load",
                  *name);
  }
  const auto sockets = sockets_by_state(*instance);
  if (!sockets) return tl::unexpected(sockets.error());
  if (context.json) {
    Json document = congestion_json(**control);
    document["sockets"] = Json::object();
    for (uint32_t state = 0; state < sockets->size(); state++) {
      document["sockets"][std::string(congestion_state_text(state))] = (*sockets)[state];
    }
    print_json(context, document);
    return {};
  }
  Facts facts;
  facts.add("name", (*control)->name);
  facts.add("map", std::to_string((*control)->map_id));
  facts.add("linked", (*control)->linked ? "yes" : "no");
  facts.add("of this instance", (*control)->pinned ? "yes" : "no");
  for (uint32_t state = 0; state < sockets->size(); state++) {
    facts.add(fmt::format("sockets in {}", congestion_state_text(state)),
              std::to_string((*sockets)[state]));
  }
  facts.print(context.out);
  return {};
}

void add_congestion_verb(CLI::App* noun, Context& context, const std::string& verb,
                         const std::string& description, const std::string& examples,
                         Result<void> (*run)(const CongestionOptions&, Context&)) {
  auto options = std::make_shared<CongestionOptions>();
  CLI::App* app = add_verb(*noun, verb, description, examples);
  add_value(app, "--name", "NAME", options->name,
            "as sockets choose it (default: that of the instance)");
  runs(app, context, options, run);
}

}  // namespace

void setup_congestion(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "congestion", "The congestion control of this host's own sockets",
                            "  sluice congestion load\n"
                            "  ip route change default via 192.0.2.1 congctl sluice\n");
  add_congestion_verb(noun, context, "load", "Register it with the kernel",
                      "  sluice congestion load\n", run_load);
  add_congestion_verb(noun, context, "unload", "Take it out again; sockets that have it keep it",
                      "  sluice congestion unload\n", run_unload);
  add_congestion_verb(noun, context, "show", "Whether it is loaded, and the states of its sockets",
                      "  sluice congestion show\n", run_show);
  CLI::App* verb = add_verb(*noun, "list", "All congestion controls that sluice has loaded",
                            "  sluice congestion list\n");
  runs(verb, context, std::make_shared<CongestionOptions>(), run_list);
}

}  // namespace sluice
