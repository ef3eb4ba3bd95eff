// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What the JSON of all nouns shares; each noun's own is in NOUN_output.h, beside its tables. Names
// are the nouns of the command line and the fields of the contract. Numbers are exact and their
// unit is in the name. null stands for "none".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "control/views.h"

namespace sluice {

using Json = nlohmann::ordered_json;

// An empty text, a zero: null.
[[nodiscard]] Json text_or_null(const std::string& text);
[[nodiscard]] Json number_or_null(uint64_t number);

void add_traffic(Json& document, const Traffic& traffic);

}  // namespace sluice
