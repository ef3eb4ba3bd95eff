// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "linkem/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <exception>

namespace sluice::linkem {

namespace {

Result<Fd> present() {
  Fd home(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!home.valid()) return failed("own network namespace: {}", strerror(errno));
  return home;
}

}  // namespace

Result<NamespaceVisit> NamespaceVisit::enter(const Fd& netns) {
  Fd home = TRY(present());
  if (setns(netns.get(), CLONE_NEWNET) != 0) {
    return failed("network namespace: cannot enter: {}", strerror(errno));
  }
  return NamespaceVisit(std::move(home));
}

Result<NamespaceVisit> NamespaceVisit::enter(const std::string& netns) {
  const std::string path = "/run/netns/" + netns;
  const Fd there(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!there.valid()) {
    return failed("network namespace {}: {}; make it with: ip netns add {}", netns, strerror(errno),
                  netns);
  }
  auto visit = enter(there);
  if (!visit) return failed("{}: {}", netns, visit.error().text);
  return visit;
}

NamespaceVisit::~NamespaceVisit() {
  if (home_.valid() && setns(home_.get(), CLONE_NEWNET) != 0) std::terminate();
}

Result<Fd> make_netns() {
  const Fd home = TRY(present());
  if (unshare(CLONE_NEWNET) != 0) return failed("new network namespace: {}", strerror(errno));
  auto made = present();
  if (setns(home.get(), CLONE_NEWNET) != 0) std::terminate();
  return made;
}

}  // namespace sluice::linkem
