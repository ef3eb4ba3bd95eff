// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/enforcement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice {
namespace {

constexpr std::string_view no_pace = "pace is on no device: sluice attach pace DEV";
constexpr std::string_view no_hook =
    "neither steer nor pace is on a device: sluice attach steer DEV, or pace DEV";

// Finds the mechanisms of one limit after the other.
class Finder {
 public:
  Finder(const Service& service, const Policy& policy, const Enforcers& enforcers)
      : tcp_(service.endpoint.l4_proto == L4Proto::tcp), policy_(policy), enforcers_(enforcers) {}

  void flow_rate();
  void rate();
  void ingress_rate();
  void impairment();
  void window();
  void connection_rate();
  void flow_weight();

  // Of the limit that the calls above are about.
  void begin(const PolicyLimit& limit) { limit_ = limit.words; }
  std::vector<Enforcement> take() { return std::move(found_); }

 private:
  void add(std::string_view mechanism, std::string where, std::string why) {
    found_.push_back({limit_, mechanism, std::move(where), std::move(why)});
  }
  // With advice how to get a mechanism, if none was found since `before`.
  void add_none_if_so(size_t before, std::string_view advice) {
    if (found_.size() == before) add("none", "", std::string(advice));
  }
  void add_without_fq(const PacedDevice& device);
  [[nodiscard]] std::string steered() const {
    return fmt::format("{}", fmt::join(enforcers_.steered, ", "));
  }

  bool tcp_;
  const Policy& policy_;
  const Enforcers& enforcers_;
  std::string_view limit_;
  std::vector<Enforcement> found_;
};

void Finder::add_without_fq(const PacedDevice& device) {
  const bool paced = tcp_ && enforcers_.sockets;
  if (paced) {
    add("socket pacing", device.name,
        fmt::format("its root qdisc is {}, not fq, so local TCP sockets pace themselves",
                    device.qdisc));
  }
  add("policing", device.name,
      paced
          ? "packets of other senders cannot wait without fq, so those beyond the rate are dropped"
          : fmt::format("its root qdisc is {}, not fq: packets cannot wait there, so those beyond "
                        "the rate are dropped",
                        device.qdisc));
}

void Finder::flow_rate() {
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced) {
    if (device.departs)
      add("departure times", device.name, "its root qdisc is fq, which honours them");
    else
      add_without_fq(device);
  }
  if (enforcers_.congestion && tcp_)
    add("congestion control", *enforcers_.congestion,
        "its sockets pace themselves on every device");
  add_none_if_so(before, no_pace);
}

void Finder::rate() {
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced) {
    if (device.departs) {
      add("departure times", device.name, "its root qdisc is fq, which honours them");
      continue;
    }
    if (tcp_ && enforcers_.sockets)
      add("socket pacing", device.name, "no local TCP socket alone exceeds the rate");
    add("policing", device.name,
        fmt::format("its root qdisc is {}, not fq: packets of all flows beyond the rate cannot "
                    "wait there and are dropped",
                    device.qdisc));
  }
  add_none_if_so(before, no_pace);
}

void Finder::ingress_rate() {
  const size_t before = found_.size();
  if (!enforcers_.steered.empty())
    add("policing", steered(), "steer drops packets of clients beyond the rate");
  for (const PacedDevice& device : enforcers_.paced)
    add("policing", device.name,
        "pace drops packets of clients beyond the rate that steer has not seen");
  add_none_if_so(before, no_hook);
}

void Finder::impairment() {
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced)
    add("impairment", device.name, "pace drops or marks packets to clients there at random");
  add_none_if_so(before, no_pace);
}

void Finder::window() {
  const size_t before = found_.size();
  if (!tcp_) {
    add("none", "", "only TCP has windows");
    return;
  }
  if (!enforcers_.steered.empty())
    add("window lowering", steered(), "steer lowers RWND in acknowledgements of clients");
  for (const PacedDevice& device : enforcers_.paced)
    add("window lowering", device.name,
        "pace lowers RWND in packets of clients that steer has not seen");
  if (enforcers_.congestion)
    add("congestion control", *enforcers_.congestion, "its sockets have at most that in flight");
  add_none_if_so(before, no_hook);
}

void Finder::connection_rate() {
  if (enforcers_.steered.empty())
    add("none", "", "steer is on no device: sluice attach steer DEV");
  else
    add("admission", steered(), "steer drops the first packet of connections beyond the rate");
}

void Finder::flow_weight() {
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced) {
    if (device.departs && policy_.rate_bytes_per_sec > 0)
      add("departure times", device.name, "flows share the rate in proportion to it");
  }
  if (enforcers_.congestion && tcp_)
    add("congestion control", *enforcers_.congestion,
        "its sockets share a bottleneck in proportion to it");
  add_none_if_so(
      before, policy_.rate_bytes_per_sec > 0
                  ? "flows share a rate by weight on a device with fq: sluice attach pace DEV --fq"
                  : "flows share a rate by it, and there is none (sluice policy set SERVICE "
                    "--rate RATE), or a bottleneck (sluice congestion load)");
}

// The order of the answer is that of policy_limits().
constexpr struct {
  uint64_t Policy::*limit;
  void (Finder::*find)();
} finders[] = {
    {&Policy::flow_rate_bytes_per_sec, &Finder::flow_rate},
    {&Policy::rate_bytes_per_sec, &Finder::rate},
    {&Policy::window_bytes, &Finder::window},
    {&Policy::window_rate_bytes_per_sec, &Finder::window},
    {&Policy::connections_per_sec, &Finder::connection_rate},
    {&Policy::ingress_rate_bytes_per_sec, &Finder::ingress_rate},
    {&Policy::flow_weight, &Finder::flow_weight},
    {&Policy::loss_ppm, &Finder::impairment},
    {&Policy::mark_ppm, &Finder::impairment},
};

}  // namespace

std::vector<Enforcement> enforcements_of(const Service& service, const Policy& policy,
                                         const Enforcers& enforcers) {
  Finder finder(service, policy, enforcers);
  for (const PolicyLimit& limit : policy_limits()) {
    if (policy.*limit.value == 0) continue;
    finder.begin(limit);
    for (const auto& each : finders)
      if (each.limit == limit.value) (finder.*each.find)();
  }
  return finder.take();
}

}  // namespace sluice
