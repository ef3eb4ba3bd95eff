// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/congestion/hosts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "linkem/netns.h"
#include "linkem/tun.h"

namespace sluice::benchmark {
namespace {

using linkem::NamespaceVisit;

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

// TCP settings of the thread's namespace: buffers larger than any scenario needs, and no saved
// metrics, from which a flow would inherit another's threshold.
Result<void> configure_tcp(bool ecn) {
  const std::string sysctl = "/proc/sys/net/ipv4/";
  for (const auto& [name, value] : {std::pair{"tcp_rmem", "4096 131072 134217728"},
                                    {"tcp_wmem", "4096 131072 134217728"},
                                    {"tcp_no_metrics_save", "1"},
                                    {"tcp_ecn", ecn ? "1" : "2"}}) {
    TRY(write_file(sysctl + name, value));
  }
  return {};
}

// The device, up, with its addresses and the default route.
Result<Fd> make_end(const std::vector<std::string>& addresses) {
  auto tun = linkem::make_tun(kLinkDevice);
  if (!tun) return tun;
  const Fd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  int label = 0;
  for (const std::string& address : addresses) {
    const std::string name = label == 0 ? kLinkDevice : fmt::format("{}:{}", kLinkDevice, label);
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
  std::string device = kLinkDevice;
  route.rt_dst = ipv4("0.0.0.0");
  route.rt_genmask = ipv4("0.0.0.0");
  route.rt_flags = RTF_UP;
  route.rt_dev = device.data();
  if (ioctl(control.get(), SIOCADDRT, &route) != 0) return failed("route: {}", strerror(errno));
  return tun;
}

}  // namespace

Result<End> make_host(const std::vector<std::string>& addresses, bool ecn) {
  Fd netns = TRY(linkem::make_netns());
  const NamespaceVisit visit = TRY(NamespaceVisit::enter(netns));
  TRY(configure_tcp(ecn));
  Fd tun = TRY(make_end(addresses));
  return End{std::move(netns), std::move(tun)};
}

}  // namespace sluice::benchmark
