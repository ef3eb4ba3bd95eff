#include "control/recover.h"

#include "control/derive.h"
#include "control/sweep.h"
#include "sluice/instance.h"

namespace sluice {

Result<bool> recover(Dataplane& dataplane) {
  auto pending = dataplane.pending();
  if (!pending) return tl::unexpected(pending.error());
  if (*pending == 0) return false;

  if (auto done = derive(dataplane, *pending); !done) return tl::unexpected(done.error());
  if (auto done = dataplane.set_pending(0); !done) return tl::unexpected(done.error());
  return true;
}

Result<void> derive(Dataplane& dataplane, uint32_t service) {
  auto configuration = Configuration::load(dataplane);
  if (!configuration) return tl::unexpected(configuration.error());
  std::vector<uint32_t> numbers{service};
  if (service == SLUICE_PENDING_ALL) {
    numbers.clear();
    for (const Service& each : configuration->services) numbers.push_back(each.number);
  }
  if (auto done = derive_services(dataplane, *configuration, numbers, Stale{}); !done) return done;
  // What a sweep left behind that was killed after its swap.
  auto forgotten = forget_settled_flows(dataplane, *configuration, numbers);
  if (!forgotten) return tl::unexpected(forgotten.error());
  return {};
}

}  // namespace sluice
