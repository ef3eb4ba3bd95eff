// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice congestion load: registers the congestion control, and selects it for routes, listening
// sockets or the network namespace.
#include "cli/congestion_command.h"
#include "cli/nouns.h"
#include "kernel/congestion/choice.h"

namespace sluice {
namespace {

// The selections that the options ask for.
Result<std::vector<Choice>> choices_of(const CongestionOptions& options) {
  std::vector<Choice> all;
  for (const std::string& text : options.routes) {
    const auto prefix = TRY(Prefix::parse(text == "default" ? "0.0.0.0/0" : text));
    all.push_back({.kind = ChoiceKind::route, .prefix = prefix, .endpoint = {}, .netns = {}});
  }
  for (const std::string& text : options.listeners) {
    const auto endpoint = TRY(HostPort::parse(text));
    if (endpoint.port == 0)
      return misused("listeners on {}: the port is missing, as in 10.0.0.11:443", text);
    all.push_back({.kind = ChoiceKind::listener, .prefix = {}, .endpoint = endpoint, .netns = {}});
  }
  if (options.whole_namespace)
    all.push_back(
        {.kind = ChoiceKind::network_namespace, .prefix = {}, .endpoint = {}, .netns = {}});
  return all;
}

std::string loaded_text(const std::string& name, CongestionLoad load) {
  switch (load) {
    case CongestionLoad::loaded:
      return fmt::format("congestion control {}: loaded", name);
    case CongestionLoad::replaced:
      return fmt::format(
          "congestion control {}: replaced by this version; connections that use the old one keep "
          "it",
          name);
    case CongestionLoad::nothing:
      break;
  }
  return fmt::format("congestion control {}: is loaded already", name);
}

// Refuses an impossible selection before anything is changed.
Result<void> check_choices(const std::vector<Choice>& wanted, const std::string& name) {
  for (const Choice& choice : wanted) TRY(would_choose(choice, name));
  return {};
}

Result<void> show_load(const std::string& name, const std::vector<Choice>& wanted,
                       Context& context) {
  const auto exists = TRY(instance_exists(context));
  StepSentences steps;
  std::vector<std::string> notes;
  if (!exists) {
    notes = creation_note(context);
    steps.add(true, loaded_text(name, CongestionLoad::loaded));
  } else {
    auto instance = TRY(Instance::open(context.instance));
    const auto control = TRY(find_congestion({}, instance.directory()));
    if (control && control->name != name) {
      return failed(
          "congestion control {}: this instance has loaded {}; unload it first: "
          "sluice congestion unload",
          name, control->name);
    }
    auto would = TRY(congestion_would_load(instance.directory(), name));
    steps.add(would != CongestionLoad::nothing, loaded_text(name, would));
  }
  for (const Choice& choice : wanted) {
    const auto would = TRY(would_choose(choice, name));
    steps.add(would.changed, would.sentence);
  }
  tell(context, steps.change(), notes);
  return {};
}

// All or none: if one is refused, those made before it are undone.
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
  const auto name = TRY(congestion_name(options, context));
  const auto wanted = TRY(choices_of(options));
  if (context.dry_run) return show_load(name, wanted, context);
  TRY(check_choices(wanted, name));
  auto instance = TRY(Instance::open_locked(context.instance));
  const auto loaded = TRY(congestion_load(instance.directory(), name));
  StepSentences steps;
  steps.add(loaded != CongestionLoad::nothing, loaded_text(name, loaded));
  const auto chosen = choose_all(instance.directory(), wanted, name);
  if (!chosen) {
    if (loaded == CongestionLoad::loaded) (void)congestion_unload(instance.directory(), name);
    return tl::unexpected(chosen.error());
  }
  for (const ChoiceChange& one : *chosen) steps.add(one.changed, one.sentence);
  tell(context, steps.change());
  return {};
}

void add_choices(CLI::App* load, CongestionOptions& options) {
  const auto several = [&](const char* flag, const char* what, std::vector<std::string>& into,
                           const char* description) {
    load->add_option(flag, into, description)
        ->option_text(what)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  several("--route", "PREFIX", options.routes,
          "and select it for this route of the main table, as in 198.51.100.0/24");
  several("--listener", "ADDR:PORT", options.listeners,
          "and for the sockets that listen there now; connections that they accept inherit it");
  load->add_flag("--namespace", options.whole_namespace,
                 "and make it the default of this network namespace")
      ->disable_flag_override()
      ->option_text(" ");
}

}  // namespace

void add_congestion_load(CLI::App* noun, Context& context) {
  auto options = std::make_shared<CongestionOptions>();
  CLI::App* verb =
      add_verb(*noun, "load", "Register it with the kernel, or replace it by this version",
               "  sluice congestion load\n"
               "  sluice congestion load --route default\n"
               "  sluice congestion load --listener 10.0.0.11:443\n");
  add_value(verb, "--name", "NAME", options->name,
            "the name that sockets select it by (default: the instance's)");
  add_choices(verb, *options);
  runs(verb, context, options, run_load);
}

}  // namespace sluice
