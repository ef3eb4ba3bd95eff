// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/json.h"

namespace sluice {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json number_or_null(uint64_t number) {
  return number == 0 ? Json(nullptr) : Json(number);
}

void add_traffic(Json& document, const Traffic& traffic) {
  document["packets"] = traffic.packets;
  document["bytes"] = traffic.bytes;
  document["connections"] = traffic.connections;
}

}  // namespace sluice
