// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice status: the whole instance on one page.
#include "cli/congestion_output.h"
#include "cli/nouns.h"
#include "cli/status_output.h"

namespace sluice {
namespace {

struct StatusOptions {};

Result<StatusView> status_of(Instance& instance) {
  auto attached = TRY(attachments(instance));
  auto services = TRY(service_views(instance.dataplane()));
  auto verdicts = TRY(instance.dataplane().counters.verdicts(0));
  auto memory = TRY(memory_of(instance.directory()));
  auto programs = TRY(loaded_release(instance.directory()));
  StatusView status{.instance = instance.name(),
                    .directory = instance.directory(),
                    .programs = std::move(programs),
                    .attachments = std::move(attached),
                    .services = std::move(services),
                    .verdicts = std::move(verdicts),
                    .congestion = {},
                    .congestion_unsupported = congestion_unsupported(),
                    .capacities = instance.dataplane().configuration.capacities(),
                    .memory = std::move(memory)};
  // A kernel without support for our congestion control still shows everything else.
  if (!status.congestion_unsupported.empty()) return status;
  status.congestion = TRY(congestion_list(instance.directory()));
  return status;
}

Result<void> run_status(const StatusOptions&, Context& context) {
  auto instance = TRY(Instance::open(context.instance));
  const auto status = TRY(status_of(instance));
  const auto sums = TRY(congestion_sum_views(instance));
  if (context.json) {
    Json document = status_json(status);
    document["congestion_flows"] = Json::array();
    for (const auto& view : sums) document["congestion_flows"].push_back(congestion_sum_json(view));
    print_json(context, document);
  } else {
    print_status(context.out, status);
    print_congestion_sums(context.out, sums);
  }
  return {};
}

}  // namespace

void setup_status(CLI::App& app, Context& context) {
  CLI::App* verb =
      add_verb(app, "status", "Attached components, services, and the verdicts on packets",
               "  sluice status\n"
               "  sluice status --json | jq '.verdicts[] | select(.action == \"drop\")'\n");
  runs(verb, context, std::make_shared<StatusOptions>(), run_status);
}

}  // namespace sluice
