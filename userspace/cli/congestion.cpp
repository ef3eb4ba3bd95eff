// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice congestion load|unload|list|show|watch: the instance's congestion control, which the
// kernel knows by name in every network namespace.
#include <algorithm>
#include <array>

#include "cli/congestion_view.h"
#include "cli/congestion_watch.h"
#include "cli/json.h"
#include "cli/nouns.h"
#include "cli/table.h"
#include "cli/text.h"
#include "kernel/congestion/choice.h"

namespace sluice {
namespace {

struct CongestionOptions {
  std::string name;
  std::vector<std::string> routes;
  std::vector<std::string> listeners;
  bool whole_namespace = false;
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
  const auto controls = TRY(congestion_list(instance_dir));
  const auto found =
      std::find_if(controls.begin(), controls.end(), [&](const CongestionControl& control) {
        return options.name.empty() ? control.pinned : control.name == options.name;
      });
  if (found == controls.end()) return std::optional<CongestionControl>{};
  return *found;
}

// What `load` is asked to make it the choice of.
Result<std::vector<Choice>> choices_of(const CongestionOptions& options) {
  std::vector<Choice> all;
  for (const std::string& text : options.routes) {
    const auto prefix = TRY(Prefix::parse(text == "default" ? "0.0.0.0/0" : text));
    all.push_back({.kind = ChoiceKind::route, .prefix = prefix, .endpoint = {}, .netns = {}});
  }
  for (const std::string& text : options.listeners) {
    const auto endpoint = TRY(HostPort::parse(text));
    if (endpoint.port == 0)
      return misused("listeners on {}: a port is asked for, as in 10.0.0.11:443", text);
    all.push_back({.kind = ChoiceKind::listener, .prefix = {}, .endpoint = endpoint, .netns = {}});
  }
  if (options.whole_namespace)
    all.push_back(
        {.kind = ChoiceKind::network_namespace, .prefix = {}, .endpoint = {}, .netns = {}});
  return all;
}

// Several sentences of one command are one change.
struct Account {
  bool needed = false;
  std::string text;

  void add(bool changed, const std::string& sentence) {
    needed = needed || changed;
    text += (text.empty() ? "" : "; ") + sentence;
  }
  [[nodiscard]] Change change() const { return {.needed = needed, .sentence = text}; }
};

std::string loaded_text(const std::string& name, CongestionLoad load) {
  switch (load) {
    case CongestionLoad::loaded:
      return fmt::format("congestion control {}: loaded", name);
    case CongestionLoad::replaced:
      return fmt::format(
          "congestion control {}: replaced by this version; connections that have the old one keep "
          "it",
          name);
    case CongestionLoad::nothing:
      break;
  }
  return fmt::format("congestion control {}: is loaded already", name);
}

// Refuses what cannot be chosen before anything is changed.
Result<void> check_choices(const std::vector<Choice>& wanted, const std::string& name) {
  for (const Choice& choice : wanted) TRY(would_choose(choice, name));
  return {};
}

Result<void> show_load(const std::string& name, const std::vector<Choice>& wanted,
                       Context& context) {
  const auto exists = TRY(instance_exists(context));
  Account account;
  std::vector<std::string> notes;
  if (!exists) {
    notes = creation_note(context);
    account.add(true, loaded_text(name, CongestionLoad::loaded));
  } else {
    auto instance = TRY(Instance::open(context.instance));
    const auto control = TRY(present({}, instance.directory()));
    if (control && control->name != name) {
      return failed(
          "congestion control {}: this instance has it loaded as {}; unload that first: "
          "sluice congestion unload",
          name, control->name);
    }
    auto would = TRY(congestion_would_load(instance.directory(), name));
    account.add(would != CongestionLoad::nothing, loaded_text(name, would));
  }
  for (const Choice& choice : wanted) {
    const auto would = TRY(would_choose(choice, name));
    account.add(would.changed, would.sentence);
  }
  tell(context, account.change(), notes);
  return {};
}

// All of them, or none: where one is refused, those before it get back what they had.
Result<std::vector<ChoiceChange>> choose_all(const std::string& instance_dir,
                                             const std::vector<Choice>& wanted,
                                             const std::string& name) {
  std::vector<ChoiceChange> changes;
  for (const Choice& choice : wanted) {
    auto chosen = choose(instance_dir, choice, name);
    if (!chosen) {
      for (size_t made = changes.size(); made-- > 0;)
        if (changes[made].changed) (void)unchoose(instance_dir, wanted[made], name);
      return tl::unexpected(chosen.error());
    }
    changes.push_back(std::move(*chosen));
  }
  return changes;
}

Result<void> run_load(const CongestionOptions& options, Context& context) {
  const auto name = TRY(new_name(options, context));
  const auto wanted = TRY(choices_of(options));
  if (context.dry_run) return show_load(name, wanted, context);
  TRY(check_choices(wanted, name));
  auto instance = TRY(Instance::open_locked(context.instance));
  const auto loaded = TRY(congestion_load(instance.directory(), name));
  Account account;
  account.add(loaded != CongestionLoad::nothing, loaded_text(name, loaded));
  const auto chosen = choose_all(instance.directory(), wanted, name);
  if (!chosen) {
    if (loaded == CongestionLoad::loaded) (void)congestion_unload(instance.directory(), name);
    return tl::unexpected(chosen.error());
  }
  for (const ChoiceChange& one : *chosen) account.add(one.changed, one.sentence);
  tell(context, account.change());
  return {};
}

struct Unloaded {
  std::string name;
  bool changed = false;
  std::vector<std::string> undone{};  // choices
};

Result<Unloaded> unload(const CongestionOptions& options, const std::string& name,
                        Context& context) {
  const auto exists = TRY(instance_exists(context));
  if (!exists) return Unloaded{.name = name};
  auto instance = TRY(context.dry_run ? Instance::open(context.instance)
                                      : Instance::open_locked(context.instance));
  const auto control = TRY(present(options, instance.directory()));
  const std::string which = control ? control->name : name;
  if (context.dry_run) return Unloaded{.name = which, .changed = control.has_value()};
  // First those who chose it, lest one of them asks for a name that is gone.
  auto undone = TRY(undo_choices(instance.directory(), which));
  // Asked even when there is none to be seen: pins may be left of one that is gone.
  const auto unloaded = TRY(congestion_unload(instance.directory(), which));
  return Unloaded{.name = which, .changed = unloaded, .undone = std::move(undone)};
}

Result<void> run_unload(const CongestionOptions& options, Context& context) {
  const auto name = TRY(new_name(options, context));
  const auto unloaded = TRY(unload(options, name, context));
  Account account;
  account.add(unloaded.changed, fmt::format("congestion control {}: {}", unloaded.name,
                                            unloaded.changed ? "unloaded" : "is not loaded"));
  for (const std::string& sentence : unloaded.undone) account.add(true, sentence);
  tell(context, account.change());
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

// How many of the instance's sockets are in which state, in the contract's order.
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

Result<void> run_show(const CongestionOptions& options, Context& context) {
  const auto name = TRY(new_name(options, context));
  auto instance = TRY(Instance::open(context.instance));
  const auto control = TRY(present(options, instance.directory()));
  if (!control) {
    return failed("congestion control {}: it is not loaded; load it: sluice congestion load", name);
  }
  const auto sockets = TRY(sockets_by_state(instance));
  const auto chosen = TRY(choices(instance.directory()));
  const auto sums = TRY(congestion_sum_views(instance));
  if (context.json) {
    Json document = congestion_json(*control);
    document["choice_of"] = Json::array();
    for (const Choice& choice : chosen) document["choice_of"].push_back(choice.text());
    document["services"] = Json::array();
    for (const auto& view : sums) document["services"].push_back(congestion_sum_json(view));
    document["sockets"] = Json::object();
    for (uint32_t state = 0; state < sockets.size(); state++) {
      document["sockets"][std::string(congestion_state_text(state))] = sockets[state];
    }
    print_json(context, document);
    return {};
  }
  Facts facts;
  facts.add("name", control->name);
  facts.add("map", std::to_string(control->map_id));
  facts.add("linked", control->linked ? "yes" : "no");
  facts.add("of this instance", control->pinned ? "yes" : "no");
  for (const Choice& choice : chosen) facts.add("choice of", choice.text());
  for (uint32_t state = 0; state < sockets.size(); state++) {
    facts.add(fmt::format("sockets in {}", congestion_state_text(state)),
              std::to_string(sockets[state]));
  }
  facts.print(context.out);
  print_congestion_sums(context.out, sums);
  return {};
}

CLI::App* add_congestion_verb(CLI::App* noun, Context& context, const std::string& verb,
                              const std::string& description, const std::string& examples,
                              std::shared_ptr<CongestionOptions> options,
                              Result<void> (*run)(const CongestionOptions&, Context&)) {
  CLI::App* app = add_verb(*noun, verb, description, examples);
  add_value(app, "--name", "NAME", options->name,
            "as sockets choose it (default: that of the instance)");
  runs(app, context, std::move(options), run);
  return app;
}

// What it is made the choice of; each may be given several times.
void add_choices(CLI::App* load, CongestionOptions& options) {
  const auto several = [&](const char* flag, const char* what, std::vector<std::string>& into,
                           const char* description) {
    load->add_option(flag, into, description)
        ->option_text(what)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  several("--route", "PREFIX", options.routes,
          "and make it the choice of this route of the main table, as in 198.51.100.0/24");
  several("--listener", "ADDR:PORT", options.listeners,
          "and of the sockets that listen there now, hence of what they accept");
  load->add_flag("--namespace", options.whole_namespace,
                 "and the default of this network namespace")
      ->disable_flag_override()
      ->option_text(" ");
}

}  // namespace

void setup_congestion(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "congestion", "The congestion control of this host's own sockets",
                            "  sluice congestion load\n"
                            "  ip route change default via 192.0.2.1 congctl sluice\n");
  const auto options = [] { return std::make_shared<CongestionOptions>(); };
  const auto of_load = options();
  CLI::App* load = add_congestion_verb(noun, context, "load",
                                       "Register it with the kernel, or replace it by this version",
                                       "  sluice congestion load\n"
                                       "  sluice congestion load --route default\n"
                                       "  sluice congestion load --listener 10.0.0.11:443\n",
                                       of_load, run_load);
  add_choices(load, *of_load);
  add_congestion_verb(noun, context, "unload",
                      "Undo the choices of it and take it out; sockets that have it keep it",
                      "  sluice congestion unload\n", options(), run_unload);
  add_congestion_verb(noun, context, "show", "Whether it is loaded, who chose it, its sockets",
                      "  sluice congestion show\n", options(), run_show);
  add_congestion_watch(noun, context);
  CLI::App* verb = add_verb(*noun, "list", "All congestion controls that sluice has loaded",
                            "  sluice congestion list\n");
  runs(verb, context, std::make_shared<CongestionOptions>(), run_list);
}

}  // namespace sluice
