// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An instance that does not exist: it has no services and no backends, and every write fails. Dry
// runs, and changes that need an existing object, go through the same use cases with it, without
// creating an instance first.
#pragma once

#include "control/ports/memory_instance.h"

namespace sluice {

class AbsentInstance final : public MemoryInstance {
 public:
  AbsentInstance();

  [[nodiscard]] uint32_t now_s() const override { return 0; }
  [[nodiscard]] const sluice_seed& seed() const override { return no_seed_; }
  Result<Route> route_towards(const Address& destination) override;

 protected:
  Result<void> before_write() override;

 private:
  sluice_seed no_seed_{};
};

}  // namespace sluice
