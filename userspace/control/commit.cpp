// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/commit.h"

#include "control/recover.h"

namespace sluice {

Result<Configuration> begin_change(Dataplane& dataplane, Apply apply) {
  if (apply == Apply::perform) {
    TRY(recover(dataplane));
  }
  return Configuration::load(dataplane);
}

Result<void> carry_out(Dataplane& dataplane, Configuration& configuration, uint32_t service,
                       const std::function<Result<void>()>& commit, const DirtySet& dirty) {
  TRY(dataplane.set_pending(service));
  if (auto done = commit(); !done) {
    // Best effort: an announcement that stays makes the next command look, and find nothing.
    (void)dataplane.set_pending(0);
    return done;
  }
  auto done = derive_services(dataplane, configuration, {service}, dirty);
  if (done) done = dataplane.set_pending(0);
  if (!done) return tl::unexpected(unfinished(done.error()));
  return {};
}

Error unfinished(const Error& error) {
  return Error{error.kind, error.text +
                               "; the change is in the configuration, and the next sluice command "
                               "that changes something finishes it"};
}

}  // namespace sluice
