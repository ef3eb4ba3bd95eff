// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The keys of the configuration file, section by section. The parser refuses all others. The
// published schema (docs/sluice.schema.json) has the same keys, which a test compares.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct FileSection {
  std::string_view name;  // its name in the schema
  std::string_view what;  // its name in an error
  std::span<const std::string_view> keys;
};

extern const FileSection file_section;
extern const FileSection service_section;
extern const FileSection policy_section;
extern const FileSection backend_section;
extern const FileSection health_section;
extern const FileSection device_section;
extern const FileSection attachment_section;  // steer and decap
extern const FileSection pace_section;
extern const FileSection congestion_section;
extern const FileSection run_section;

[[nodiscard]] std::vector<const FileSection*> file_sections();

// "there is no key ... in ...; did you mean ...?", or the list of keys.
[[nodiscard]] std::string unknown_key_text(const FileSection& section, std::string_view key);

}  // namespace sluice
