// Policies: set, cleared. A policy is read where it is kept; what derives from it is only whether
// its service's packets leave through tc, where `pace` sees them, and whether `steer` counts its
// new connections.
#include <algorithm>

#include "control/commit.h"
#include "model/quantity.h"

namespace sluice {

namespace {

// A window below one segment would hold a sender to the persist timer's pace (RFC 9293, 3.8.6.1).
// 1460: a segment of an Ethernet's MTU.
constexpr uint32_t window_bytes_min = 1460;

std::string policy_text(const Policy& policy) {
  std::string text;
  if (policy.flow_rate_bytes_per_sec > 0) {
    text = fmt::format("flow rate {}", rate_text(policy.flow_rate_bytes_per_sec));
  }
  if (policy.window_bytes > 0) {
    text += fmt::format("{}window {}", text.empty() ? "" : ", ", size_text(policy.window_bytes));
  }
  if (policy.connections_per_sec > 0) {
    text += fmt::format("{}{} new connections a second", text.empty() ? "" : ", ",
                        policy.connections_per_sec);
  }
  return text;
}

// `wanted` that limits nothing is no policy.
Result<Change> replace_policy(Dataplane& dataplane, Configuration& configuration,
                              const Service& service, const Policy& wanted, Apply apply) {
  const Policy* current = configuration.policy(service.number);
  const Policy before = current != nullptr ? *current : Policy{};
  if (before == wanted) {
    return Change{false, fmt::format("policy of {}: is already so", service.name)};
  }
  const bool clears = wanted == Policy{};
  const Change change{true, fmt::format("policy of {}: {}", service.name,
                                        clears ? "cleared" : policy_text(wanted))};
  if (apply == Apply::only_show) return change;

  // All that the service table says of it.
  const bool flagged = before.paces() != wanted.paces() ||
                       (before.connections_per_sec > 0) != (wanted.connections_per_sec > 0);
  const uint32_t number = service.number;
  std::erase_if(configuration.policies,
                [&](const auto& numbered) { return numbered.first == number; });
  if (!clears) configuration.policies.emplace_back(number, wanted);
  auto done = carry_out(
      dataplane, configuration, number,
      [&] {
        return clears ? dataplane.erase_policy(number) : dataplane.put_policy(number, wanted);
      },
      Stale{.records = false, .endpoints = false, .table = flagged, .rings = false});
  if (!done) return tl::unexpected(done.error());
  return change;
}

}  // namespace

Result<Change> policy_set(Dataplane& dataplane, const std::string& name, const PolicyWish& wish,
                          Apply apply) {
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());
  if (!wish.flow_rate_bytes_per_sec && !wish.window_bytes && !wish.connections_per_sec) {
    return misused("policy of {}: nothing to set; say a flow rate, a window or a connection rate",
                   name);
  }
  if (wish.window_bytes && *wish.window_bytes > 0 && *wish.window_bytes < window_bytes_min) {
    return misused("policy of {}: window {}: is less than one segment of {} bytes", name,
                   size_text(*wish.window_bytes), window_bytes_min);
  }

  const Policy* current = configuration->policy((*service)->number);
  Policy wanted = current ? *current : Policy{};
  wanted.flow_rate_bytes_per_sec =
      wish.flow_rate_bytes_per_sec.value_or(wanted.flow_rate_bytes_per_sec);
  wanted.window_bytes = wish.window_bytes.value_or(wanted.window_bytes);
  wanted.connections_per_sec = wish.connections_per_sec.value_or(wanted.connections_per_sec);
  return replace_policy(dataplane, *configuration, **service, wanted, apply);
}

Result<Change> policy_clear(Dataplane& dataplane, const std::string& name, Apply apply) {
  auto configuration = begin_change(dataplane, apply);
  if (!configuration) return tl::unexpected(configuration.error());
  auto service = find_service(*configuration, name);
  if (!service) return tl::unexpected(service.error());
  return replace_policy(dataplane, *configuration, **service, Policy{}, apply);
}

}  // namespace sluice
