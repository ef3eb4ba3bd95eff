// Services: added, set, removed.
#include "control/commit.h"

namespace sluice {

namespace {

std::string what_it_is(const Endpoint& endpoint, Mode mode) {
  return fmt::format("{}, mode {}", endpoint.text(), mode_text(mode));
}

Result<void> check_endpoint(const std::string& name, const Endpoint& endpoint) {
  const char* why = nullptr;
  if (endpoint.address.is_unspecified()) why = "the unspecified address is no packet's destination";
  if (endpoint.address.is_multicast()) why = "a multicast address has no backends to choose from";
  if (endpoint.port == 0) why = "a port is 1 to 65535";
  if (why) return misused("service {}: {}: {}", name, endpoint.text(), why);
  return {};
}

}  // namespace

Result<Change> service_add(Dataplane& dataplane, const std::string& name, const Endpoint& endpoint,
                           Mode mode, Apply apply) {
  if (auto valid = parse_service_name(name); !valid) return tl::unexpected(valid.error());
  if (auto valid = check_endpoint(name, endpoint); !valid) return tl::unexpected(valid.error());
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());

  if (const Service* same = configuration->service_with_name(name)) {
    if (same->endpoint == endpoint && same->mode == mode) {
      return Change{false, fmt::format("service {}: is already so", name)};
    }
    const std::string next =
        same->endpoint == endpoint
            ? fmt::format("sluice service set {} --mode {}", name, mode_text(mode))
            : fmt::format("sluice service remove {}", name);
    return misused("service {}: is there already, as {}; change it with: {}", name,
                   what_it_is(same->endpoint, same->mode), next);
  }
  if (const Service* other = configuration->service_with_endpoint(endpoint)) {
    return misused("service {}: {} belongs to service {} already", name, endpoint.text(),
                   other->name);
  }
  const uint32_t capacity = dataplane.capacities().services;
  const uint32_t number = configuration->free_service_number(capacity);
  if (number == 0) {
    return failed("services: {} of {} are in use; remove some, or make an instance with more",
                  configuration->services.size(), capacity);
  }

  const Change change{true, fmt::format("service {}: added {}", name, what_it_is(endpoint, mode))};
  if (apply == Apply::only_show) return change;
  const Service service{
      .name = name, .endpoint = endpoint, .mode = mode, .number = number, .retired = {}};
  configuration->services.push_back(service);
  auto done = carry_out(
      dataplane, *configuration, number, [&] { return dataplane.put_service(service); },
      Stale{.records = false, .rings = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> service_set(Dataplane& dataplane, const std::string& name, Mode mode, Apply apply) {
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());

  if ((*service)->mode == mode)
    return Change{false, fmt::format("service {}: is already so", name)};
  if (const size_t backends = configuration->backends_of((*service)->number)) {
    return misused(
        "service {}: has {} backend{}, whose connections depend on mode {}; remove {} first", name,
        backends, backends == 1 ? "" : "s", mode_text((*service)->mode),
        backends == 1 ? "it" : "them");
  }

  const Change change{true, fmt::format("service {}: mode {}", name, mode_text(mode))};
  if (apply == Apply::only_show) return change;
  (*service)->mode = mode;
  auto done = carry_out(
      dataplane, *configuration, (*service)->number,
      [&] { return dataplane.put_service(**service); },
      Stale{.records = false, .endpoints = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> service_remove(Dataplane& dataplane, const std::string& name, Apply apply) {
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());

  const uint32_t number = (*service)->number;
  const size_t backends = configuration->backends_of(number);
  Change change{true, fmt::format("service {}: removed", name)};
  if (backends > 0) {
    change.sentence += fmt::format(", with {} backend{}", backends, backends == 1 ? "" : "s");
  }
  if (apply == Apply::only_show) return change;
  (*service)->removing = true;
  auto done = carry_out(
      dataplane, *configuration, number, [&] { return dataplane.put_service(**service); },
      Stale{.records = false, .endpoints = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

}  // namespace sluice
