// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice policy set|show|list|clear.
#include "model/policy.h"
#include "cli/nouns.h"
#include "cli/policy_output.h"
#include "kernel/instance/enforcers.h"

namespace sluice {
namespace {

struct PolicyOptions {
  std::string service;
  // The text of each limit, as policy_limits() lists them; empty: not given.
  std::vector<std::string> limits = std::vector<std::string>(policy_limits().size());
};

Result<PolicyPatch> patch_of(const PolicyOptions& options) {
  PolicyPatch patch;
  for (size_t i = 0; i < options.limits.size(); i++) {
    if (options.limits[i].empty()) continue;
    const PolicyLimit& limit = policy_limits()[i];
    patch.push_back({limit.value, TRY(parse_limit(limit, options.limits[i]))});
  }
  return patch;
}

Result<void> run_set(const PolicyOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.service));
  const auto patch = TRY(patch_of(options));
  if (patch.empty()) {
    return misused(
        "policy set {}: nothing to set; give --flow-rate RATE, --window SIZE or another "
        "limit (sluice policy set --help)",
        options.service);
  }
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return policy_set(dataplane, name, patch, apply);
  });
}

Result<void> run_clear(const PolicyOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.service));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return policy_clear(dataplane, name, apply);
  });
}

Result<void> show_one(const PolicyOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.service));
  auto instance = TRY(Instance::open(context.instance));
  const auto view = TRY(service_view(instance.dataplane(), name));
  // A service without a policy is shown too: it has no limits.
  const Policy policy = view.policy.value_or(Policy{});
  const auto enforcers = TRY(enforcers_of(instance));
  const auto enforcements = enforcements_of(view.service, policy, enforcers);
  if (context.json) {
    Json document = policy_json(name, policy);
    document["enforced"] = Json::array();
    for (const auto& one : enforcements) document["enforced"].push_back(enforcement_json(one));
    print_json(context, document);
    return {};
  }
  print_policies(context.out, {{name, policy}});
  if (enforcements.empty()) return {};
  context.out << '\n';
  print_enforcements(context.out, enforcements);
  return {};
}

Result<void> run_list(const PolicyOptions&, Context& context) {
  auto instance = TRY(Instance::open(context.instance));
  const auto views = TRY(service_views(instance.dataplane()));
  std::vector<std::pair<std::string, Policy>> policies;
  Json list = Json::array();
  for (const auto& view : views) {
    if (!view.policy) continue;
    policies.emplace_back(view.service.name, *view.policy);
    list.push_back(policy_json(view.service.name, *view.policy));
  }
  if (context.json) {
    print_json(context, list);
  } else if (policies.empty()) {
    say(context, "no policies; set one: sluice policy set SERVICE --flow-rate RATE --window SIZE");
  } else {
    print_policies(context.out, policies);
  }
  return {};
}

Result<void> run_show(const PolicyOptions& options, Context& context) {
  return options.service.empty() ? run_list(options, context) : show_one(options, context);
}

}  // namespace

void setup_policy(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "policy", "Limits of a service and of each of its flows",
                            "  sluice policy set web --flow-rate 50mbit --window 256kib\n"
                            "  sluice policy list\n");

  auto options = std::make_shared<PolicyOptions>();
  CLI::App* verb = add_verb(*noun, "set", "Set limits; the others stay as they are",
                            "  sluice policy set web --flow-rate 50mbit\n"
                            "  sluice policy set web --window 256kib\n"
                            "  sluice policy set web --rate 1gbit --ingress-rate 200mbit\n"
                            "  sluice policy set web --connection-rate 2000\n"
                            "  sluice policy set web --flow-rate none\n");
  add_argument(verb, "SERVICE", options->service, "the service's name")->required();
  for (size_t i = 0; i < policy_limits().size(); i++) {
    const PolicyLimit& limit = policy_limits()[i];
    add_value(verb, fmt::format("--{}", limit.name), std::string(limit.kind), options->limits[i],
              std::string(limit.help));
  }
  runs(verb, context, options, run_set);

  options = std::make_shared<PolicyOptions>();
  verb = add_verb(*noun, "show", "Show the policy of a service, or of all services that have one",
                  "  sluice policy show web\n");
  add_argument(verb, "SERVICE", options->service, "only the policy of this service");
  runs(verb, context, options, run_show);

  verb = add_verb(*noun, "list", "List the policies of all services that have one",
                  "  sluice policy list\n");
  runs(verb, context, std::make_shared<PolicyOptions>(), run_list);

  options = std::make_shared<PolicyOptions>();
  verb = add_verb(*noun, "clear", "Lift every limit of a service", "  sluice policy clear web\n");
  add_argument(verb, "SERVICE", options->service, "the service's name")->required();
  runs(verb, context, options, run_clear);
}

}  // namespace sluice
