// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "linkem/netns.h"

namespace sluice::linkem {

namespace {

// The kernel's queue between two reads: 100 ms of packets of 1500 bytes at 500 Mbit/s.
constexpr int kDeviceQueuePackets = 4096;

}  // namespace

Result<Fd> make_tun(const std::string& device) {
  ifreq request{};
  if (device.empty() || device.size() >= sizeof(request.ifr_name)) {
    return misused("device name {:?}: 1 to 15 characters", device);
  }
  device.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);

  Fd tun(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun.valid()) return failed("/dev/net/tun: {}", strerror(errno));
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    return failed("device {}: {}", device, errno == EBUSY ? "exists already" : strerror(errno));
  }
  const Fd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  request.ifr_qlen = kDeviceQueuePackets;
  if (!control.valid() || ioctl(control.get(), SIOCSIFTXQLEN, &request) != 0) {
    return failed("device {}: queue of {} packets: {}", device, kDeviceQueuePackets,
                  strerror(errno));
  }
  return tun;
}

Result<Fd> make_tun(const TunName& name) {
  const NamespaceVisit visit = TRY(NamespaceVisit::enter(name.netns));
  auto tun = make_tun(name.device);
  if (!tun) return tl::unexpected(Error{tun.error().kind, name.netns + ": " + tun.error().text});
  return tun;
}

Result<uint64_t> device_drops(const std::string& device) {
  std::ifstream file("/proc/thread-self/net/dev");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line.find_first_not_of(' ') == std::string::npos) continue;
    const size_t start = line.find_first_not_of(' ');
    if (line.compare(start, colon - start, device) != 0) continue;
    // Eight columns of received packets, then bytes, packets, errors and drops of sent ones.
    std::istringstream figures(line.substr(colon + 1));
    uint64_t figure = 0;
    for (int column = 0; column < 12; column++) figures >> figure;
    if (figures) return figure;
  }
  return failed("device {}: no statistics", device);
}

Result<uint64_t> device_drops(const TunName& name) {
  const NamespaceVisit visit = TRY(NamespaceVisit::enter(name.netns));
  return device_drops(name.device);
}

}  // namespace sluice::linkem
