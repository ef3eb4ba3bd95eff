// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What control asks of the congestion control of one instance. userspace/kernel implements it.
#pragma once

#include <string>

#include "support/result.h"

namespace sluice {

class CongestionPort {
 public:
  CongestionPort() = default;
  virtual ~CongestionPort() = default;
  CongestionPort(const CongestionPort&) = delete;
  CongestionPort& operator=(const CongestionPort&) = delete;

  // Whether this kernel can load it.
  [[nodiscard]] virtual bool supported() = 0;
  // The name of the instance's congestion control; empty: none. Fails if it is not supported,
  // unless the instance does not exist.
  virtual Result<std::string> loaded() = 0;
  virtual Result<void> load(const std::string& name) = 0;
  virtual Result<void> unload(const std::string& name) = 0;
};

}  // namespace sluice
