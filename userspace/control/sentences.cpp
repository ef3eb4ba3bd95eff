// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/sentences.h"

#include <fmt/format.h>

namespace sluice {

std::string service_text(const Service& service) {
  return fmt::format("{}, {}", service.endpoint.text(), service_options_text(service));
}

}  // namespace sluice
