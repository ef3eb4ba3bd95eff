// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice client-weight set|remove|list: the weight of the flows of a prefix of clients.
#include "cli/client_weight_output.h"
#include "cli/nouns.h"

namespace sluice {
namespace {

struct ClientWeightOptions {
  std::string service;
  std::string prefix;
  std::string weight;
};

Result<void> run_set(const ClientWeightOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.service));
  const auto prefix = TRY(Prefix::parse(options.prefix));
  const auto weight = TRY(parse_flow_weight(options.weight));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return client_weight_set(dataplane, name, prefix, weight, apply);
  });
}

Result<void> run_remove(const ClientWeightOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.service));
  const auto prefix = TRY(Prefix::parse(options.prefix));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return client_weight_remove(dataplane, name, prefix, apply);
  });
}

Result<void> run_list(const ClientWeightOptions& options, Context& context) {
  if (!options.service.empty()) {
    TRY(parse_service_name(options.service));
  }
  auto instance = TRY(Instance::open(context.instance));
  const auto weights =
      TRY(client_weight_views(instance.dataplane().configuration, options.service));
  if (context.json) {
    Json list = Json::array();
    for (const auto& view : weights) list.push_back(weight_json(view));
    print_json(context, list);
  } else if (weights.empty()) {
    say(context, "no weights of clients; set one: sluice client-weight set SERVICE PREFIX N");
  } else {
    print_weights(context.out, weights);
  }
  return {};
}

void add_prefix(CLI::App* verb, ClientWeightOptions& options) {
  add_argument(verb, "SERVICE", options.service, "the service's name")->required();
  add_argument(verb, "PREFIX", options.prefix, "of clients, as in 198.51.100.0/24 or 2001:db8::7")
      ->required();
}

}  // namespace

void setup_client_weight(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "client-weight", "Weights of flows by their client's address",
                            "  sluice client-weight set web 198.51.100.0/24 3\n"
                            "  sluice client-weight list web\n");

  auto options = std::make_shared<ClientWeightOptions>();
  CLI::App* verb = add_verb(*noun, "set", "Set the weight of each flow of a prefix of clients",
                            "  sluice client-weight set web 198.51.100.0/24 3\n");
  add_prefix(verb, *options);
  add_argument(verb, "N", options->weight, "1 to 100; the default is the policy's --flow-weight")
      ->required();
  runs(verb, context, options, run_set);

  options = std::make_shared<ClientWeightOptions>();
  verb = add_verb(*noun, "remove",
                  "Remove the weight of a prefix of clients: the policy's flow weight holds",
                  "  sluice client-weight remove web 198.51.100.0/24\n");
  add_prefix(verb, *options);
  runs(verb, context, options, run_remove);

  options = std::make_shared<ClientWeightOptions>();
  verb = add_verb(*noun, "list", "List the client weights of a service, or of all",
                  "  sluice client-weight list\n"
                  "  sluice client-weight list web\n");
  add_argument(verb, "SERVICE", options->service, "only weights of this service");
  runs(verb, context, options, run_list);
}

}  // namespace sluice
