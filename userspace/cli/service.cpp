// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice service add|set|show|list|remove.
#include "cli/congestion_output.h"
#include "cli/nouns.h"
#include "cli/service_output.h"
#include "model/quantity.h"

namespace sluice {
namespace {

struct ServiceOptions {
  std::string name;
  std::string endpoint;
  std::string mode;
  std::string affinity;
  std::string gue_variant;
  std::string idle_timeout;
  std::string udp_timeout;
  bool quic = false;
  bool no_quic = false;
};

// Empty: not wished.
Result<void> parse_timeout(const std::string& text, std::optional<uint32_t>& into) {
  if (text.empty()) return {};
  auto seconds = TRY(parse_duration_s(text));
  into = seconds;
  return {};
}

Result<ServicePatch> settings_of(const ServiceOptions& options) {
  ServicePatch patch;
  if (!options.mode.empty()) {
    const auto mode = TRY(parse_mode(options.mode));
    patch.mode = mode;
  }
  if (!options.affinity.empty()) {
    const auto affinity = TRY(parse_affinity(options.affinity));
    patch.affinity = affinity;
  }
  if (!options.gue_variant.empty()) {
    const auto variant = TRY(parse_gue_variant(options.gue_variant));
    patch.gue_variant = variant;
  }
  TRY(parse_timeout(options.idle_timeout, patch.idle_timeout_s));
  TRY(parse_timeout(options.udp_timeout, patch.udp_timeout_s));
  if (options.quic) patch.quic = true;
  if (options.no_quic) patch.quic = false;
  return patch;
}

void add_timeouts(CLI::App* verb, ServiceOptions& options) {
  add_value(verb, "--idle-timeout", "TIME", options.idle_timeout,
            "silence after which a TCP connection may be purged, as in 15m");
  add_value(verb, "--udp-timeout", "TIME", options.udp_timeout,
            "silence after which a UDP flow begins anew, as in 60s");
}

Result<void> run_add(const ServiceOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.name));
  const auto endpoint = TRY(Endpoint::parse(options.endpoint));
  const auto patch = TRY(settings_of(options));
  return change(context, WhenAbsent::create, [&](Dataplane& dataplane, Apply apply) {
    return service_add(dataplane, name, endpoint, patch, apply);
  });
}

Result<void> run_set(const ServiceOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.name));
  const auto patch = TRY(settings_of(options));
  if (!patch.mode && !patch.affinity && !patch.gue_variant && !patch.quic &&
      !patch.idle_timeout_s && !patch.udp_timeout_s) {
    return misused(
        "service set {}: nothing to set; give --mode, --affinity, --gue-variant, --quic, "
        "--no-quic, --idle-timeout or --udp-timeout",
        name);
  }
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane& dataplane, Apply apply) {
    return service_set(dataplane, name, patch, apply);
  });
}

Result<void> run_remove(const ServiceOptions& options, Context& context) {
  const auto name = TRY(parse_service_name(options.name));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane& dataplane, Apply apply) {
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

// What both `add` and `set` take.
void add_patch_options(CLI::App* verb, ServiceOptions& options, const std::string& mode_default) {
  add_value(verb, "--mode", "MODE", options.mode, "snat, nat, ipip, gue or l2" + mode_default);
  add_value(verb, "--affinity", "WHAT", options.affinity,
            "what picks the backend: flow, client (one backend in all services of the same "
            "servers) or client-service");
  add_value(verb, "--gue-variant", "N", options.gue_variant, "of mode gue: 0 or 1");
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
  add_patch_options(verb, *options, " (default snat)");
  add_flag(verb, "--quic", options->quic, "UDP whose connection ids name their backend");
  add_timeouts(verb, *options);
  runs(verb, context, options, run_add);

  options = std::make_shared<ServiceOptions>();
  verb = add_service_verb(noun, "set", "Change a service; once it has backends, only its time-outs",
                          "  sluice service set web --mode ipip\n"
                          "  sluice service set web --affinity client\n"
                          "  sluice service set web --idle-timeout 1h\n",
                          *options);
  add_patch_options(verb, *options, "");
  CLI::Option* quic = add_flag(verb, "--quic", options->quic, "connection ids name backends");
  add_flag(verb, "--no-quic", options->no_quic, "they do not")->excludes(quic);
  add_timeouts(verb, *options);
  runs(verb, context, options, run_set);

  options = std::make_shared<ServiceOptions>();
  verb = add_service_verb(noun, "show", "All there is to know of a service",
                          "  sluice service show web\n", *options);
  runs(verb, context, options, run_show);

  verb = add_verb(*noun, "list", "All services", "  sluice service list\n");
  runs(verb, context, std::make_shared<ServiceOptions>(), run_list);

  add_service_settle(noun, context);

  options = std::make_shared<ServiceOptions>();
  verb = add_service_verb(noun, "remove", "Remove a service with its backends, policy and filters",
                          "  sluice service remove web\n", *options);
  runs(verb, context, options, run_remove);
}

}  // namespace sluice
