#include "benchmark/congestion/testbed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <thread>

#include "benchmark/congestion/flows.h"
#include "kernel/fd.h"
#include "linkem/emulator.h"
#include "linkem/netns.h"
#include "linkem/tun.h"

namespace sluice::benchmark {
namespace {

using linkem::NamespaceVisit;

constexpr const char* kDevice = "link0";
// The emulator before the flows: what is late there is late for all.
constexpr int kEmulatorPriority = 2;
constexpr int kFlowsPriority = 1;

Result<void> write_file(const std::string& path, const std::string& text) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid() || write(file.get(), text.data(), text.size()) < 0)
    return failed("{}: {}", path, strerror(errno));
  return {};
}

sockaddr ipv4(const std::string& address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &in.sin_addr);
  sockaddr any{};
  std::memcpy(&any, &in, sizeof(any));
  return any;
}

// In the namespace that the thread is in: buffers that no scenario here fills, and no memory of
// earlier connections, lest a flow inherit another's threshold.
Result<void> set_tcp_up(bool ecn) {
  const std::string sysctl = "/proc/sys/net/ipv4/";
  for (const auto& [name, value] : {std::pair{"tcp_rmem", "4096 131072 134217728"},
                                    {"tcp_wmem", "4096 131072 134217728"},
                                    {"tcp_no_metrics_save", "1"},
                                    {"tcp_ecn", ecn ? "1" : "2"}}) {
    if (auto written = write_file(sysctl + name, value); !written) return written;
  }
  return {};
}

// The device, up, with its addresses (the first has the others of its /24 behind it), and
// everything else behind it.
Result<Fd> make_end(const std::vector<std::string>& addresses) {
  auto tun = linkem::make_tun(kDevice);
  if (!tun) return tun;
  const Fd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  int label = 0;
  for (const std::string& address : addresses) {
    const std::string name = label == 0 ? kDevice : fmt::format("{}:{}", kDevice, label);
    ifreq request{};
    name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    request.ifr_addr = ipv4(address);
    bool done = ioctl(control.get(), SIOCSIFADDR, &request) == 0;
    request.ifr_addr = ipv4(label == 0 ? "255.255.255.0" : "255.255.255.255");
    done = done && ioctl(control.get(), SIOCSIFNETMASK, &request) == 0;
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    done = done && ioctl(control.get(), SIOCSIFFLAGS, &request) == 0;
    if (!done) return failed("address {} of {}: {}", address, name, strerror(errno));
    label++;
  }
  rtentry route{};
  std::string device = kDevice;
  route.rt_dst = ipv4("0.0.0.0");
  route.rt_genmask = ipv4("0.0.0.0");
  route.rt_flags = RTF_UP;
  route.rt_dev = device.data();
  if (ioctl(control.get(), SIOCADDRT, &route) != 0) return failed("route: {}", strerror(errno));
  return tun;
}

struct End {
  Fd netns;
  Fd tun;
};

Result<End> make_host(const std::vector<std::string>& addresses, bool ecn) {
  auto netns = linkem::make_netns();
  if (!netns) return tl::unexpected(netns.error());
  auto visit = NamespaceVisit::enter(*netns);
  if (!visit) return tl::unexpected(visit.error());
  if (auto done = set_tcp_up(ecn); !done) return tl::unexpected(done.error());
  auto tun = make_end(addresses);
  if (!tun) return tl::unexpected(tun.error());
  return End{std::move(*netns), std::move(*tun)};
}

linkem::LinkShape shape_of(const Scenario& scenario) {
  linkem::LinkShape shape;
  shape.rate_bytes_per_sec = static_cast<uint64_t>(scenario.rate_mbit * 1e6 / 8);
  shape.delay = scenario.rtt / 2 - scenario.jitter;
  shape.jitter = 2 * scenario.jitter;
  shape.buffer_bytes = static_cast<uint64_t>(scenario.bdp_bytes() * scenario.buffer_bdp);
  if (scenario.ecn) shape.ecn_threshold_bytes = static_cast<uint64_t>(scenario.bdp_bytes() / 4);
  shape.loss = scenario.loss_percent / 100;
  return shape;
}

// Acknowledgements come back over a link that is as long, never full, and loses nothing: what is
// asked is what the algorithm makes of the data's way.
linkem::LinkShape way_back(const Scenario& scenario) {
  return {.delay = scenario.rtt / 2 - scenario.jitter, .jitter = 2 * scenario.jitter};
}

double milliseconds_at(const linkem::Histogram& histogram, uint64_t permille) {
  return static_cast<double>(histogram.quantile(permille).count()) / 1000;
}

}  // namespace

Result<Record> run_scenario(const Scenario& scenario, const Governed& governed, int place) {
  const std::string subnet = fmt::format("10.{}.{}.", 1 + place / 200, place % 200);
  std::vector<std::string> senders{subnet + "1"};
  std::vector<std::string> receivers{subnet + "2"};
  linkem::LinkShape shape = shape_of(scenario);
  linkem::Paths paths;
  std::vector<Ends> ends;
  for (const FlowSpec& flow : scenario.flows) {
    Ends each{senders.front(), receivers.front()};
    if (flow.role == Role::heavy) each.sender = kHeavyAddress;
    if (flow.role == Role::light) each.sender = kLightAddress;
    if (flow.role == Role::rated) each.sender = kRatedAddress;
    if (each.sender != senders.front()) senders.push_back(each.sender);
    if (flow.detour.count() > 0) {
      each.receiver = subnet + std::to_string(10 + receivers.size());
      receivers.push_back(each.receiver);
      auto host = Address::parse(each.receiver);
      if (!host) return tl::unexpected(host.error());
      paths.add(*host, flow.detour, shape);
    }
    ends.push_back(std::move(each));
  }

  auto left = make_host(senders, scenario.ecn);
  if (!left) return tl::unexpected(left.error());
  auto right = make_host(receivers, scenario.ecn);
  if (!right) return tl::unexpected(right.error());
  const Fd ending(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ending.valid()) return failed("eventfd: {}", strerror(errno));

  linkem::Emulator link{std::move(left->tun),
                        std::move(right->tun),
                        {shape, paths, scenario.seed},
                        {way_back(scenario), {}, ~scenario.seed}};
  Result<void> carried;
  std::thread carrier([&] {
    linkem::run_on_time(kEmulatorPriority);
    carried = link.run(ending, false);
  });
  linkem::run_on_time(kFlowsPriority);
  Flows flows(scenario, governed, ends);
  auto record = flows.run(left->netns, right->netns, link.left_to_right);
  const uint64_t one = 1;
  if (write(ending.get(), &one, sizeof(one)) != sizeof(one)) std::terminate();
  carrier.join();
  if (!record) return record;
  if (!carried) return tl::unexpected(carried.error());

  const linkem::Tally& tally = link.left_to_right.tally();
  record->queue_mean_ms = tally.queued.mean_microseconds() / 1000;
  record->queue_p50_ms = milliseconds_at(tally.queued, 500);
  record->queue_p95_ms = milliseconds_at(tally.queued, 950);
  record->queue_p99_ms = milliseconds_at(tally.queued, 990);
  record->late_p99_us = static_cast<double>(tally.late.quantile(990).count());
  record->dropped_full = tally.dropped_full;
  record->marked = tally.marked;
  for (const Fd* netns : {&left->netns, &right->netns}) {
    auto visit = NamespaceVisit::enter(*netns);
    if (!visit) return tl::unexpected(visit.error());
    record->device_drops += linkem::device_drops(std::string(kDevice)).value_or(0);
  }
  return record;
}

}  // namespace sluice::benchmark
