// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice flow list|show: the entries of the flow tables. A settled flow without translation or
// policy has none: the ring alone determines its backend.
#include <limits>

#include "cli/flow_output.h"
#include "cli/nouns.h"
#include "kernel/system/clock.h"
#include "model/decimal.h"

namespace sluice {
namespace {

struct FlowOptions {
  std::string service;
  std::string limit;
  std::string client;
};

constexpr uint64_t limit_most = 999'999'999;

Result<size_t> parse_limit(const std::string& text) {
  if (text.empty()) return std::numeric_limits<size_t>::max();
  const auto number = parse_decimal(text, limit_most);
  if (!number || *number == 0)
    return misused("flow list: --limit \"{}\": must be a whole number from 1 to {}", text,
                   limit_most);
  return *number;
}

Result<std::vector<FlowView>> views_of(Context& context) {
  auto instance = TRY(Instance::open(context.instance));
  const auto services = TRY(service_views(instance.dataplane()));
  const auto records = TRY(instance.flows());
  return flow_views(records, services);
}

Result<void> check_service(const std::string& service, Context& context) {
  const auto name = TRY(parse_service_name(service));
  auto instance = TRY(Instance::open(context.instance));
  TRY(service_named(instance.dataplane().configuration, name));
  return {};
}

Result<void> run_list(const FlowOptions& options, Context& context) {
  const auto limit = TRY(parse_limit(options.limit));
  if (!options.service.empty()) {
    TRY(check_service(options.service, context));
  }
  auto views = TRY(views_of(context));
  if (!options.service.empty()) {
    std::erase_if(views, [&](const FlowView& view) { return view.service != options.service; });
  }
  const size_t all = views.size();
  if (all > limit) views.resize(limit);

  if (context.json) {
    const uint64_t now_s = monotonic_coarse_s();
    Json list = Json::array();
    for (const auto& view : views) list.push_back(flow_json(view, now_s));
    print_json(context, list);
  } else if (all == 0) {
    say(context, "no flow is tracked; a settled service needs no entries");
  } else {
    if (all > views.size()) {
      say(context, fmt::format("the first {} of {} flows:", views.size(), all));
    }
    print_flows(context.out, views);
  }
  return {};
}

Result<void> run_show(const FlowOptions& options, Context& context) {
  // Two arguments, or one with a blank between, as copied from `flow list`.
  std::string client_text = options.client;
  std::string service_text = options.service;
  const size_t blank = client_text.find(' ');
  if (service_text.empty() && blank != std::string::npos) {
    service_text = client_text.substr(client_text.find_last_of(' ') + 1);
    client_text.resize(blank);
  }
  if (service_text.empty()) {
    return misused(
        "flow show {}: ENDPOINT is missing, as in: sluice flow show "
        "198.51.100.7:40000 203.0.113.10:443/tcp",
        options.client);
  }
  const auto client = TRY(HostPort::parse(client_text));
  const auto endpoint = TRY(Endpoint::parse(service_text));

  const auto views = TRY(views_of(context));
  for (const auto& view : views) {
    if (!(view.client == client) || !(view.endpoint == endpoint)) continue;
    if (context.json) {
      print_json(context, flow_json(view, monotonic_coarse_s()));
    } else {
      print_flow(context.out, view, monotonic_coarse_s());
    }
    return {};
  }
  return failed("flow {} {}: no table has an entry of it; see: sluice flow list", client.text(),
                endpoint.text());
}

}  // namespace

void setup_flow(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "flow", "The entries of single flows in the flow tables",
                            "  sluice flow list --service web\n");

  auto options = std::make_shared<FlowOptions>();
  CLI::App* verb =
      add_verb(*noun, "list",
               "Flows that are tracked, translated, paced or governed by the congestion control",
               "  sluice flow list --service web --limit 20\n");
  add_value(verb, "--service", "SERVICE", options->service, "only flows of this service");
  add_value(verb, "--limit", "N", options->limit, "at most N flows");
  runs(verb, context, options, run_list);

  options = std::make_shared<FlowOptions>();
  verb = add_verb(*noun, "show", "All entries of one flow",
                  "  sluice flow show 198.51.100.7:40000 203.0.113.10:443/tcp\n");
  add_argument(verb, "CLIENT", options->client, "ADDR:PORT of the client")->required();
  add_argument(verb, "ENDPOINT", options->service, "ADDR:PORT/PROTO where its packets go");
  runs(verb, context, options, run_show);
}

}  // namespace sluice
