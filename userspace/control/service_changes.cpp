// Services: added, set, removed.
#include "control/commit.h"
#include "model/quantity.h"

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

// ", idle time-out 15m": what the wish changes of the service, which is changed.
std::string set_timeouts(Service& service, const TimeoutsWish& wish) {
  std::string text;
  const auto set = [&text](uint32_t& timeout_s, std::optional<uint32_t> wanted, const char* name) {
    if (!wanted || *wanted == timeout_s) return;
    timeout_s = *wanted;
    text += fmt::format(", {} time-out {}", name, duration_text(*wanted));
  };
  set(service.idle_timeout_s, wish.idle_s, "idle");
  set(service.udp_timeout_s, wish.udp_s, "UDP");
  return text;
}

}  // namespace

Result<Change> service_add(Dataplane& dataplane, const std::string& name, const Endpoint& endpoint,
                           Mode mode, Apply apply, const TimeoutsWish& timeouts) {
  if (auto valid = parse_service_name(name); !valid) return tl::unexpected(valid.error());
  if (auto valid = check_endpoint(name, endpoint); !valid) return tl::unexpected(valid.error());
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());

  if (const Service* same = configuration->service_with_name(name)) {
    Service wanted = *same;
    const std::string other_timeouts = set_timeouts(wanted, timeouts);
    if (same->endpoint == endpoint && same->mode == mode) {
      if (other_timeouts.empty())
        return Change{false, fmt::format("service {}: is already so", name)};
      return misused(
          "service {}: is there already, with other time-outs; change them with: sluice service "
          "set {} --idle-timeout {} --udp-timeout {}",
          name, name, duration_text(wanted.idle_timeout_s), duration_text(wanted.udp_timeout_s));
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

  Service service{
      .name = name, .endpoint = endpoint, .mode = mode, .number = number, .retired = {}};
  const std::string set = set_timeouts(service, timeouts);
  const Change change{true,
                      fmt::format("service {}: added {}{}", name, what_it_is(endpoint, mode), set)};
  if (apply == Apply::only_show) return change;
  configuration->services.push_back(service);
  auto done = carry_out(
      dataplane, *configuration, number, [&] { return dataplane.put_service(service); },
      Stale{.records = false, .rings = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

Result<Change> service_set(Dataplane& dataplane, const std::string& name, std::optional<Mode> mode,
                           Apply apply, const TimeoutsWish& timeouts) {
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());

  if (!mode && !timeouts.idle_s && !timeouts.udp_s) {
    return misused("service {}: nothing to set; say a mode or a time-out", name);
  }
  std::string changed;
  const bool other_mode = mode && *mode != (*service)->mode;
  if (const size_t backends = configuration->backends_of((*service)->number);
      other_mode && backends > 0) {
    return misused(
        "service {}: has {} backend{}, whose connections depend on mode {}; remove {} first", name,
        backends, backends == 1 ? "" : "s", mode_text((*service)->mode),
        backends == 1 ? "it" : "them");
  }

  if (other_mode) {
    (*service)->mode = *mode;
    changed = fmt::format(", mode {}", mode_text(*mode));
  }
  changed += set_timeouts(**service, timeouts);
  if (changed.empty()) return Change{false, fmt::format("service {}: is already so", name)};
  const Change change{true, fmt::format("service {}:{}", name, changed.substr(1))};
  if (apply == Apply::only_show) return change;
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
