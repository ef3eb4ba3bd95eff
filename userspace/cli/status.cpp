// sluice status: the whole instance at a glance.
#include "cli/congestion_view.h"
#include "cli/json.h"
#include "cli/nouns.h"
#include "cli/text.h"

namespace sluice {
namespace {

struct StatusOptions {};

Result<StatusView> status_of(Instance& instance) {
  auto attached = attachments(instance);
  if (!attached) return tl::unexpected(attached.error());
  auto services = service_views(instance.dataplane());
  if (!services) return tl::unexpected(services.error());
  auto verdicts = instance.dataplane().verdicts(0);
  if (!verdicts) return tl::unexpected(verdicts.error());
  auto memory = memory_of(instance.directory());
  if (!memory) return tl::unexpected(memory.error());
  auto programs = loaded_release(instance.directory());
  if (!programs) return tl::unexpected(programs.error());
  StatusView status{.instance = instance.name(),
                    .directory = instance.directory(),
                    .programs = std::move(*programs),
                    .attachments = std::move(*attached),
                    .services = std::move(*services),
                    .verdicts = std::move(*verdicts),
                    .congestion = {},
                    .congestion_unsupported = congestion_unsupported(),
                    .capacities = instance.dataplane().capacities(),
                    .memory = std::move(*memory)};
  // The rest is worth seeing on a kernel that cannot have a congestion control of ours, too.
  if (!status.congestion_unsupported.empty()) return status;
  auto congestion = congestion_list(instance.directory());
  if (!congestion) return tl::unexpected(congestion.error());
  status.congestion = std::move(*congestion);
  return status;
}

Result<void> run_status(const StatusOptions&, Context& context) {
  auto instance = Instance::open(context.instance);
  if (!instance) return tl::unexpected(instance.error());
  const auto status = status_of(*instance);
  if (!status) return tl::unexpected(status.error());
  const auto sums = congestion_sum_views(*instance);
  if (!sums) return tl::unexpected(sums.error());
  if (context.json) {
    Json document = status_json(*status);
    document["congestion_flows"] = Json::array();
    for (const auto& view : *sums)
      document["congestion_flows"].push_back(congestion_sum_json(view));
    print_json(context, document);
  } else {
    print_status(context.out, *status);
    print_congestion_sums(context.out, *sums);
  }
  return {};
}

}  // namespace

void setup_status(CLI::App& app, Context& context) {
  CLI::App* verb =
      add_verb(app, "status", "What is attached, what it serves, what became of packets",
               "  sluice status\n"
               "  sluice status --json | jq '.verdicts[] | select(.action == \"drop\")'\n");
  runs(verb, context, std::make_shared<StatusOptions>(), run_status);
}

}  // namespace sluice
