// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice backend add|set|drain|show|list|remove.
#include "cli/backend_output.h"
#include "cli/nouns.h"

namespace sluice {
namespace {

struct BackendOptions {
  std::string service;
  std::string at;
  std::string weight;
  std::string state;
};

struct Named {
  std::string service;
  HostPort at;
};

Result<Named> named(const BackendOptions& options) {
  const auto service = TRY(parse_service_name(options.service));
  const auto at = TRY(HostPort::parse(options.at));
  return Named{.service = service, .at = at};
}

Result<void> run_add(const BackendOptions& options, Context& context) {
  const auto which = TRY(named(options));
  const auto weight = TRY(parse_weight(options.weight.empty() ? "100" : options.weight));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return backend_add(dataplane, which.service, which.at, weight, apply);
  });
}

Result<void> set(Context& context, const Named& which, const BackendPatch& patch) {
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return backend_set(dataplane, which.service, which.at, patch, apply);
  });
}

Result<void> run_set(const BackendOptions& options, Context& context) {
  const auto which = TRY(named(options));
  BackendPatch patch;
  if (!options.weight.empty()) {
    const auto weight = TRY(parse_weight(options.weight));
    patch.weight = weight;
  }
  if (!options.state.empty()) {
    const auto state = TRY(parse_backend_state(options.state));
    patch.state = state;
  }
  if (!patch.weight && !patch.state) {
    return misused(
        "backend set {} {}: nothing to set; give --weight N, --state up|draining|down, "
        "or both",
        options.service, options.at);
  }
  return set(context, which, patch);
}

Result<void> run_drain(const BackendOptions& options, Context& context) {
  const auto which = TRY(named(options));
  return set(context, which, {.weight = {}, .state = BackendState::draining});
}

Result<void> run_remove(const BackendOptions& options, Context& context) {
  const auto which = TRY(named(options));
  return change(context, WhenAbsent::nothing_to_change, [&](Dataplane dataplane, Apply apply) {
    return backend_remove(dataplane, which.service, which.at, apply);
  });
}

Result<void> run_show(const BackendOptions& options, Context& context) {
  const auto which = TRY(named(options));
  auto instance = TRY(Instance::open(context.instance));
  const auto view = TRY(service_view(instance.dataplane(), which.service));
  for (const auto& one : view.backends) {
    if (!(one.backend.at == which.at)) continue;
    if (context.json) {
      print_json(context, backend_json(view, one));
    } else {
      print_backend(context.out, view, one);
    }
    return {};
  }
  return misused("backend {}: service {} has no such backend; see: sluice backend list {}",
                 which.at.text(), which.service, which.service);
}

Result<std::vector<ServiceView>> views_asked_for(const std::string& service, Context& context) {
  if (!service.empty()) {
    TRY(parse_service_name(service));
  }
  auto instance = TRY(Instance::open(context.instance));
  if (service.empty()) return service_views(instance.dataplane());
  const auto view = TRY(service_view(instance.dataplane(), service));
  return std::vector<ServiceView>{view};
}

Result<void> run_list(const BackendOptions& options, Context& context) {
  const auto views = TRY(views_asked_for(options.service, context));
  Json list = Json::array();
  for (const auto& view : views) {
    for (const auto& one : view.backends) list.push_back(backend_json(view, one));
  }
  if (context.json) {
    print_json(context, list);
  } else if (list.empty()) {
    say(context, "no backends; add one: sluice backend add SERVICE ADDR:PORT");
  } else {
    print_backends(context.out, views);
  }
  return {};
}

CLI::App* add_backend_verb(CLI::App* noun, const std::string& verb, const std::string& description,
                           const std::string& examples, BackendOptions& options) {
  CLI::App* app = add_verb(*noun, verb, description, examples);
  add_argument(app, "SERVICE", options.service, "the service's name")->required();
  add_argument(app, "ADDR:PORT", options.at, "the backend's address and port, as in 10.0.0.11:8443")
      ->required();
  return app;
}

}  // namespace

void setup_backend(CLI::App& app, Context& context) {
  CLI::App* noun = add_noun(app, "backend", "Servers of a service",
                            "  sluice backend add web 10.0.0.11:8443 --weight 100\n"
                            "  sluice backend drain web 10.0.0.11:8443\n");

  auto options = std::make_shared<BackendOptions>();
  CLI::App* verb = add_backend_verb(noun, "add", "Add a backend to a service",
                                    "  sluice backend add web 10.0.0.11:8443\n"
                                    "  sluice backend add web '[2001:db8::11]:8443' --weight 50\n",
                                    *options);
  add_value(verb, "--weight", "N", options->weight,
            "its share relative to the other backends, 0 to 65535 (default 100)");
  runs(verb, context, options, run_add);

  options = std::make_shared<BackendOptions>();
  verb = add_backend_verb(noun, "set", "Change a backend's weight or state",
                          "  sluice backend set web 10.0.0.11:8443 --weight 10\n"
                          "  sluice backend set web 10.0.0.11:8443 --state up\n",
                          *options);
  add_value(verb, "--weight", "N", options->weight,
            "its share relative to the other backends, 0 to 65535");
  add_value(verb, "--state", "STATE", options->state,
            "up, draining (keeps its connections, takes no new one) or down (takes nothing)");
  runs(verb, context, options, run_set);

  options = std::make_shared<BackendOptions>();
  verb = add_backend_verb(noun, "drain", "Keep a backend's connections and give it no new ones",
                          "  sluice backend drain web 10.0.0.11:8443\n", *options);
  runs(verb, context, options, run_drain);

  options = std::make_shared<BackendOptions>();
  verb = add_backend_verb(noun, "show", "Show a backend and its counters",
                          "  sluice backend show web 10.0.0.11:8443\n", *options);
  runs(verb, context, options, run_show);

  options = std::make_shared<BackendOptions>();
  verb = add_verb(*noun, "list", "List the backends of a service, or of all",
                  "  sluice backend list\n"
                  "  sluice backend list web\n");
  add_argument(verb, "SERVICE", options->service, "only backends of this service");
  runs(verb, context, options, run_list);

  options = std::make_shared<BackendOptions>();
  verb =
      add_backend_verb(noun, "remove", "Remove a backend and end its connections; drain it first",
                       "  sluice backend remove web 10.0.0.11:8443\n", *options);
  runs(verb, context, options, run_remove);
}

}  // namespace sluice
