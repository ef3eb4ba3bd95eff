// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The parts of docs/sluice.schema.json that follow from the tables of service options and policy
// limits. The rest of the file is written by hand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice {

// The schema with each option and limit as the tables have it, and the others as they are.
[[nodiscard]] nlohmann::ordered_json with_tables(nlohmann::ordered_json schema);

// As the file is written: two spaces, and a newline at the end.
[[nodiscard]] std::string schema_text(const nlohmann::ordered_json& schema);

}  // namespace sluice
