// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/enforcement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice {
namespace {

constexpr std::string_view no_pace = "pace is on no device: sluice attach pace DEV";
constexpr std::string_view no_hook =
    "neither steer nor pace is on a device: sluice attach steer DEV, or pace DEV";

class Finder {
 public:
  Finder(const Service& service, const Enforcers& enforcers)
      : tcp_(service.endpoint.l4_proto == L4Proto::tcp), enforcers_(enforcers) {}

  void flow_rate();
  void rate();
  void ingress_rate();
  void impairment(std::string_view limit);
  void window(std::string_view limit);
  void connection_rate();
  void weight(const Policy& policy);

  std::vector<Enforcement> take() { return std::move(found_); }

 private:
  void add(std::string_view limit, std::string_view mechanism, std::string where, std::string why) {
    found_.push_back({limit, mechanism, std::move(where), std::move(why)});
  }
  void add_none_if_so(std::string_view limit, size_t before, std::string_view advice) {
    if (found_.size() == before) add(limit, "none", "", std::string(advice));
  }
  void add_without_fq(std::string_view limit, const PacedDevice& device);
  [[nodiscard]] std::string steered() const {
    return fmt::format("{}", fmt::join(enforcers_.steered, ", "));
  }

  bool tcp_;
  const Enforcers& enforcers_;
  std::vector<Enforcement> found_;
};

void Finder::add_without_fq(std::string_view limit, const PacedDevice& device) {
  const bool paced = tcp_ && enforcers_.sockets;
  if (paced) {
    add(limit, "socket pacing", device.name,
        fmt::format("its root qdisc is {}, not fq, so local TCP sockets pace themselves",
                    device.qdisc));
  }
  add(limit, "policing", device.name,
      paced ? "what no such socket sends cannot wait without fq, so it is dropped beyond the rate"
            : fmt::format("its root qdisc is {}, not fq: nothing can wait there, so what is beyond "
                          "the rate is dropped",
                          device.qdisc));
}

void Finder::flow_rate() {
  constexpr std::string_view limit = "flow rate";
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced) {
    if (device.departs)
      add(limit, "departure times", device.name, "its root qdisc is fq, which honours them");
    else
      add_without_fq(limit, device);
  }
  if (enforcers_.congestion && tcp_)
    add(limit, "congestion control", *enforcers_.congestion,
        "sockets under it pace themselves, whatever device they send by");
  add_none_if_so(limit, before, no_pace);
}

void Finder::rate() {
  constexpr std::string_view limit = "rate";
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced) {
    if (device.departs) {
      add(limit, "departure times", device.name, "its root qdisc is fq, which honours them");
      continue;
    }
    if (tcp_ && enforcers_.sockets)
      add(limit, "socket pacing", device.name, "so that no local TCP socket alone goes beyond it");
    add(limit, "policing", device.name,
        fmt::format("its root qdisc is {}, not fq: what all flows together send beyond the rate "
                    "cannot wait there and is dropped",
                    device.qdisc));
  }
  add_none_if_so(limit, before, no_pace);
}

void Finder::ingress_rate() {
  constexpr std::string_view limit = "ingress rate";
  const size_t before = found_.size();
  if (!enforcers_.steered.empty())
    add(limit, "policing", steered(), "steer drops what clients send beyond the rate");
  for (const PacedDevice& device : enforcers_.paced)
    add(limit, "policing", device.name,
        "pace drops, of what clients send through it and steer has not seen, what is beyond");
  add_none_if_so(limit, before, no_hook);
}

void Finder::impairment(std::string_view limit) {
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced)
    add(limit, "impairment", device.name, "pace drops or marks packets to clients there at random");
  add_none_if_so(limit, before, no_pace);
}

void Finder::window(std::string_view limit) {
  const size_t before = found_.size();
  if (!tcp_) {
    add(limit, "none", "", "only TCP has windows");
    return;
  }
  if (!enforcers_.steered.empty())
    add(limit, "window lowering", steered(),
        "clients' acknowledgements pass steer, which lowers RWND in them");
  for (const PacedDevice& device : enforcers_.paced)
    add(limit, "window lowering", device.name,
        "RWND is lowered in what clients send through it and steer has not seen");
  if (enforcers_.congestion)
    add(limit, "congestion control", *enforcers_.congestion,
        "sockets under it have no more than that in flight");
  add_none_if_so(limit, before, no_hook);
}

void Finder::connection_rate() {
  constexpr std::string_view limit = "connection rate";
  if (enforcers_.steered.empty())
    add(limit, "none", "", "steer is on no device: sluice attach steer DEV");
  else
    add(limit, "admission", steered(), "steer drops the first packet of what is beyond");
}

void Finder::weight(const Policy& policy) {
  constexpr std::string_view limit = "weight";
  const size_t before = found_.size();
  for (const PacedDevice& device : enforcers_.paced) {
    if (device.departs && policy.rate_bytes_per_sec > 0)
      add(limit, "departure times", device.name, "flows have of the rate in proportion to it");
  }
  if (enforcers_.congestion && tcp_)
    add(limit, "congestion control", *enforcers_.congestion,
        "sockets under it have of a bottleneck in proportion to it");
  add_none_if_so(limit, before,
                 policy.rate_bytes_per_sec > 0
                     ? "a rate is shared by weight on a device with fq: sluice attach pace DEV --fq"
                     : "it is of a rate that flows share, and there is none (sluice policy set "
                       "SERVICE --rate RATE), or of a bottleneck (sluice congestion load)");
}

}  // namespace

std::vector<Enforcement> enforcements_of(const Service& service, const Policy& policy,
                                         const Enforcers& enforcers) {
  Finder finder(service, enforcers);
  if (policy.flow_rate_bytes_per_sec > 0) finder.flow_rate();
  if (policy.rate_bytes_per_sec > 0) finder.rate();
  if (policy.window_bytes > 0) finder.window("window");
  if (policy.window_rate_bytes_per_sec > 0) finder.window("window rate");
  if (policy.connections_per_sec > 0) finder.connection_rate();
  if (policy.ingress_rate_bytes_per_sec > 0) finder.ingress_rate();
  if (policy.weight > 0) finder.weight(policy);
  if (policy.loss_ppm > 0) finder.impairment("loss");
  if (policy.mark_ppm > 0) finder.impairment("mark");
  return finder.take();
}

}  // namespace sluice
