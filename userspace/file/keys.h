// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Every key that the configuration file has, section by section. The parser knows no others, and
// the published schema (docs/sluice.schema.json) has the same, which a test sees to.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct FileSection {
  std::string_view name;  // as the schema calls it
  std::string_view what;  // as an error does
  std::span<const std::string_view> keys;
};

extern const FileSection file_section;
extern const FileSection service_section;
extern const FileSection policy_section;
extern const FileSection backend_section;
extern const FileSection health_section;
extern const FileSection device_section;
extern const FileSection attachment_section;  // of steer and decap
extern const FileSection pace_section;
extern const FileSection congestion_section;
extern const FileSection run_section;

[[nodiscard]] std::vector<const FileSection*> file_sections();

// "there is no key ... in ...; did you mean ...?", or which there are.
[[nodiscard]] std::string unknown_key_text(const FileSection& section, std::string_view key);

}  // namespace sluice
