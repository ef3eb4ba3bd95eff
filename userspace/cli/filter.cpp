// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice filter allow|deny|remove|list|clear: which clients may use a service.
#include "cli/filter_output.h"
#include "cli/nouns.h"

namespace sluice {
namespace {

struct FilterOptions {
  std::string service;
  std::string prefix;
};

Result<void> add(const FilterOptions& options, Context& context, FilterAction action) {
  const auto name = TRY(parse_service_name(options.service));
  const auto prefix = TRY(Prefix::parse(options.prefix));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return filter_add(dataplane, name, prefix, action, apply);
  });
}

Result<void> run_allow(const FilterOptions& options, Context& context) {
  return add(options, context, FilterAction::allow);
}

Result<void> run_deny(const FilterOptions& options, Context& context) {
  return add(options, context, FilterAction::deny);
}

Result<void> run_remove(const FilterOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.service));
  const auto prefix = TRY(Prefix::parse(options.prefix));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return filter_remove(dataplane, name, prefix, apply);
  });
}

Result<void> run_clear(const FilterOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.service));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return filter_clear(dataplane, name, apply);
  });
}

Result<void> run_list(const FilterOptions& options, Context& context) {
  if (!options.service.empty()) {
    TRY(parse_service_name(options.service));
  }
  auto instance = TRY(Instance::open(context.instance));
  const auto filters = TRY(filter_views(instance.dataplane().configuration, options.service));
  if (context.json) {
    Json list = Json::array();
    for (const auto& view : filters) list.push_back(filter_json(view));
    print_json(context, list);
  } else if (filters.empty()) {
    say(context, "no filters; add one: sluice filter allow|deny SERVICE PREFIX");
  } else {
    print_filters(context.out, filters);
  }
  return {};
}

CLI::App* add_filter_verb(CLI::App* noun, const std::string& verb, const std::string& description,
                          const std::string& examples, FilterOptions& options) {
  CLI::App* app = add_verb(*noun, verb, description, examples);
  add_argument(app, "SERVICE", options.service, "the service's name")->required();
  return app;
}

void add_prefix(CLI::App* verb, FilterOptions& options) {
  add_argument(verb, "PREFIX", options.prefix, "of clients, as in 198.51.100.0/24 or 2001:db8::7")
      ->required();
}

}  // namespace

void setup_filter(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "filter", "Which clients may use a service, by address",
                            "  sluice filter allow web 198.51.100.0/24\n"
                            "  sluice filter deny web 198.51.100.7\n"
                            "  sluice filter list web\n");

  auto options = std::make_shared<FilterOptions>();
  CLI::App* verb = add_filter_verb(
      noun, "allow", "Let a prefix of clients use the service; clients without a filter are denied",
      "  sluice filter allow web 198.51.100.0/24\n", *options);
  add_prefix(verb, *options);
  runs(verb, context, options, run_allow);

  options = std::make_shared<FilterOptions>();
  verb = add_filter_verb(noun, "deny", "Drop packets of a prefix of clients to the service",
                         "  sluice filter deny web 198.51.100.7\n", *options);
  add_prefix(verb, *options);
  runs(verb, context, options, run_deny);

  options = std::make_shared<FilterOptions>();
  verb = add_filter_verb(noun, "remove", "Remove one filter of a service",
                         "  sluice filter remove web 198.51.100.7\n", *options);
  add_prefix(verb, *options);
  runs(verb, context, options, run_remove);

  options = std::make_shared<FilterOptions>();
  verb = add_verb(*noun, "list", "List the filters of a service, or of all",
                  "  sluice filter list\n"
                  "  sluice filter list web\n");
  add_argument(verb, "SERVICE", options->service, "only filters of this service");
  runs(verb, context, options, run_list);

  options = std::make_shared<FilterOptions>();
  verb = add_filter_verb(noun, "clear", "Remove all filters of a service: every client may use it",
                         "  sluice filter clear web\n", *options);
  runs(verb, context, options, run_clear);
}

}  // namespace sluice
