#include "linkem/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <sstream>

namespace sluice::linkem {

namespace {

// What the kernel holds for us between two reads. At 500 Mbit/s this many packets of 1500 bytes
// are a pause of 100 ms.
constexpr int kDeviceQueuePackets = 4096;

class NamespaceVisit {
 public:
  static Result<NamespaceVisit> enter(const std::string& netns) {
    const std::string path = "/run/netns/" + netns;
    Fd home(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    const Fd there(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!home.valid()) return failed("own network namespace: {}", strerror(errno));
    if (!there.valid()) {
      return failed("network namespace {}: {}; make it with: ip netns add {}", netns,
                    strerror(errno), netns);
    }
    if (setns(there.get(), CLONE_NEWNET) != 0) {
      return failed("network namespace {}: cannot enter: {}", netns, strerror(errno));
    }
    return NamespaceVisit(std::move(home));
  }

  NamespaceVisit(NamespaceVisit&&) = default;
  NamespaceVisit& operator=(NamespaceVisit&&) = delete;
  NamespaceVisit(const NamespaceVisit&) = delete;
  NamespaceVisit& operator=(const NamespaceVisit&) = delete;
  // Staying would make every later name mean another device.
  ~NamespaceVisit() {
    if (home_.valid() && setns(home_.get(), CLONE_NEWNET) != 0) std::terminate();
  }

 private:
  explicit NamespaceVisit(Fd home) : home_(std::move(home)) {}
  Fd home_;
};

}  // namespace

Result<Fd> make_tun(const Place& place) {
  ifreq request{};
  if (place.device.empty() || place.device.size() >= sizeof(request.ifr_name)) {
    return misused("device name {:?}: 1 to 15 characters", place.device);
  }
  place.device.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);

  auto visit = NamespaceVisit::enter(place.netns);
  if (!visit) return tl::unexpected(visit.error());
  Fd tun(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tun.valid()) return failed("/dev/net/tun: {}", strerror(errno));
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    return failed("device {} in {}: {}", place.device, place.netns,
                  errno == EBUSY ? "exists already" : strerror(errno));
  }
  const Fd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  request.ifr_qlen = kDeviceQueuePackets;
  if (!control.valid() || ioctl(control.get(), SIOCSIFTXQLEN, &request) != 0) {
    return failed("device {} in {}: queue of {} packets: {}", place.device, place.netns,
                  kDeviceQueuePackets, strerror(errno));
  }
  return tun;
}

Result<uint64_t> device_drops(const Place& place) {
  auto visit = NamespaceVisit::enter(place.netns);
  if (!visit) return tl::unexpected(visit.error());
  std::ifstream file("/proc/thread-self/net/dev");
  std::string line;
  while (std::getline(file, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line.find_first_not_of(' ') == std::string::npos) continue;
    const size_t start = line.find_first_not_of(' ');
    if (line.compare(start, colon - start, place.device) != 0) continue;
    // Eight figures for what was received, then bytes, packets, errors and drops of what was sent.
    std::istringstream figures(line.substr(colon + 1));
    uint64_t figure = 0;
    for (int column = 0; column < 12; column++) figures >> figure;
    if (figures) return figure;
  }
  return failed("device {} in {}: no statistics", place.device, place.netns);
}

}  // namespace sluice::linkem
