// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice service add|set|show|list|remove.
#include <fmt/ranges.h>

#include "cli/congestion_output.h"
#include "cli/nouns.h"
#include "cli/service_output.h"
#include "model/service_options.h"

namespace sluice {
namespace {

// The text of each option, as service_options() lists them; empty: not given.
struct GivenOption {
  std::string text;
  bool on = false;   // of a flag: --quic
  bool off = false;  // --no-quic
};

struct ServiceOptions {
  std::string name;
  std::string endpoint;
  std::vector<GivenOption> given = std::vector<GivenOption>(service_options().size());
};

Result<ServicePatch> patch_of(const ServiceOptions& options) {
  ServicePatch patch;
  for (size_t i = 0; i < options.given.size(); i++) {
    const ServiceOption& option = service_options()[i];
    const GivenOption& given = options.given[i];
    std::string text = given.text;
    if (given.on) text = "true";
    if (given.off) text = "false";
    if (!text.empty()) patch.push_back(TRY(parse_setting(option, text)));
  }
  return patch;
}

// "--mode, --quic, --no-quic or --udp-timeout"
std::string option_names() {
  std::vector<std::string> names;
  for (const ServiceOption& option : service_options()) {
    names.push_back(fmt::format("--{}", option.name));
    if (option.is_flag()) names.push_back(fmt::format("--no-{}", option.name));
  }
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("{} or {}", fmt::join(names, ", "), last);
}

Result<void> run_add(const ServiceOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.name));
  const auto endpoint = TRY(Endpoint::parse(options.endpoint));
  const auto patch = TRY(patch_of(options));
  return change(context, WhenAbsent::create, [&](Dataplane dataplane, Apply apply) {
    return service_add(dataplane, name, endpoint, patch, apply);
  });
}

Result<void> run_set(const ServiceOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.name));
  const auto patch = TRY(patch_of(options));
  if (patch.empty())
    return misused("service set {}: nothing to set; give {}", name, option_names());
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return service_set(dataplane, name, patch, apply);
  });
}

Result<void> run_remove(const ServiceOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.name));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return service_remove(dataplane, name, apply);
  });
}

Result<void> run_show(const ServiceOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.name));
  auto instance = TRY(Instance::open(context.instance));
  const auto view = TRY(service_view(instance.dataplane(), name));
  auto sums = TRY(congestion_sum_views(instance));
  std::erase_if(sums, [&](const auto& one) { return one.service != name; });
  if (context.json) {
    Json document = service_json(view);
    document["congestion"] = sums.empty() ? Json(nullptr) : congestion_sum_json(sums.front());
    print_json(context, document);
  } else {
    print_service(context.out, view);
    print_congestion_sums(context.out, sums);
  }
  return {};
}

Result<void> run_list(const ServiceOptions&, Context& context) {
  auto instance = TRY(Instance::open(context.instance));
  const auto views = TRY(service_views(instance.dataplane()));
  if (context.json) {
    Json list = Json::array();
    for (const auto& view : views) list.push_back(service_json(view));
    print_json(context, list);
  } else if (views.empty()) {
    say(context, "no services; add one: sluice service add NAME ADDR:PORT/PROTO");
  } else {
    print_services(context.out, views);
  }
  return {};
}

CLI::App* add_service_verb(CLI::App* noun, const std::string& verb, const std::string& description,
                           const std::string& examples, ServiceOptions& options) {
  CLI::App* app = add_verb(*noun, verb, description, examples);
  add_argument(app, "NAME", options.name, "the service's name")->required();
  return app;
}

CLI::Option* add_flag(CLI::App* verb, const std::string& flag, bool& value,
                      const std::string& description) {
  return verb->add_flag(flag, value, description)->disable_flag_override()->option_text(" ");
}

// Both `add` and `set` take all options; `add` starts from the defaults, which its help page names.
enum class Verb { add, set };

void add_options(CLI::App* app, ServiceOptions& options, Verb verb) {
  for (size_t i = 0; i < options.given.size(); i++) {
    const ServiceOption& option = service_options()[i];
    GivenOption& given = options.given[i];
    const std::string flag = fmt::format("--{}", option.name);
    std::string help(option.help);
    if (!option.is_flag()) {
      if (verb == Verb::add) help += fmt::format(" (default {})", option.text(Service{}));
      add_value(app, flag, std::string(option.kind), given.text, help);
      continue;
    }
    CLI::Option* on = add_flag(app, flag, given.on, help);
    if (verb == Verb::set)
      add_flag(app, fmt::format("--no-{}", option.name), given.off, "the reverse")->excludes(on);
  }
}

}  // namespace

void setup_service(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "service", "Virtual addresses and ports that backends serve",
                            "  sluice service add web 203.0.113.10:443/tcp\n"
                            "  sluice service list\n");

  auto options = std::make_shared<ServiceOptions>();
  CLI::App* verb = add_service_verb(noun, "add", "Add a service",
                                    "  sluice service add web 203.0.113.10:443/tcp\n"
                                    "  sluice service add dns '[2001:db8::53]:53/udp' --mode ipip\n"
                                    "  sluice service add all 203.0.113.0/24:0/tcp --mode gue\n"
                                    "  sluice service add h3 203.0.113.10:443/udp --quic\n",
                                    *options);
  add_argument(verb, "ENDPOINT", options->endpoint,
               "ADDR:PORT/PROTO, as in 203.0.113.10:443/tcp; port 0: any; ADDR may be a prefix")
      ->required();
  add_options(verb, *options, Verb::add);
  runs(verb, context, options, run_add);

  options = std::make_shared<ServiceOptions>();
  verb =
      add_service_verb(noun, "set", "Change a service; while it has backends, only its time-outs",
                       "  sluice service set web --mode ipip\n"
                       "  sluice service set web --affinity client\n"
                       "  sluice service set web --idle-timeout 1h\n",
                       *options);
  add_options(verb, *options, Verb::set);
  runs(verb, context, options, run_set);

  options = std::make_shared<ServiceOptions>();
  verb = add_service_verb(noun, "show", "Show a service, its backends and its counters",
                          "  sluice service show web\n", *options);
  runs(verb, context, options, run_show);

  verb = add_verb(*noun, "list", "List all services", "  sluice service list\n");
  runs(verb, context, std::make_shared<ServiceOptions>(), run_list);

  add_service_settle(noun, context);

  options = std::make_shared<ServiceOptions>();
  verb = add_service_verb(noun, "remove", "Remove a service with its backends, policy and filters",
                          "  sluice service remove web\n", *options);
  runs(verb, context, options, run_remove);
}

}  // namespace sluice
