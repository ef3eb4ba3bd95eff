// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "file/keys.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "model/policy.h"
#include "model/service_options.h"

namespace sluice {

namespace {

constexpr auto file_keys =
    std::to_array<std::string_view>({"services", "devices", "congestion", "run"});
const std::vector<std::string_view> service_keys = [] {
  std::vector<std::string_view> keys{"address"};
  for (const ServiceOption& option : service_options()) keys.push_back(option.name);
  for (const std::string_view key :
       {"policy", "client-weights", "allow", "deny", "backends", "health", "all-down", "weights"})
    keys.push_back(key);
  return keys;
}();
const std::vector<std::string_view> policy_keys = [] {
  std::vector<std::string_view> keys;
  for (const PolicyLimit& limit : policy_limits()) keys.push_back(limit.name);
  return keys;
}();
constexpr auto backend_keys = std::to_array<std::string_view>({"address", "weight", "state"});
constexpr auto health_keys = std::to_array<std::string_view>(
    {"check", "via",     "port",   "interval", "timeout",  "jitter", "rise",
     "fall",  "passive", "path",   "host",     "status",   "body",   "tls-verify",
     "query", "type",    "answer", "request",  "response", "command"});
constexpr auto device_keys = std::to_array<std::string_view>({"steer", "decap", "pace"});
constexpr auto attachment_keys = std::to_array<std::string_view>({"xdp", "chain"});
constexpr auto pace_keys = std::to_array<std::string_view>({"fq", "gso-max-segs"});
constexpr auto congestion_keys = std::to_array<std::string_view>({"loaded", "name"});
constexpr auto run_keys = std::to_array<std::string_view>({"metrics", "settle"});

// Levenshtein distance: insertions, deletions and substitutions of one letter.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); j++) row[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j < row.size(); j++) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

const FileSection file_section{"file", "a configuration", file_keys};
const FileSection service_section{"service", "a service", service_keys};
const FileSection policy_section{"policy", "a policy", policy_keys};
const FileSection backend_section{"backend", "a backend", backend_keys};
const FileSection health_section{"health", "a health check", health_keys};
const FileSection device_section{"device", "a device", device_keys};
const FileSection attachment_section{"attachment", "an attachment", attachment_keys};
const FileSection pace_section{"pace", "pace", pace_keys};
const FileSection congestion_section{"congestion", "congestion", congestion_keys};
const FileSection run_section{"run", "run", run_keys};

std::vector<const FileSection*> file_sections() {
  return {&file_section,       &service_section, &policy_section,     &backend_section,
          &health_section,     &device_section,  &attachment_section, &pace_section,
          &congestion_section, &run_section};
}

std::string unknown_key_text(const FileSection& section, std::string_view key) {
  // A longer key may differ in more letters; a key that differs in more is not suggested.
  constexpr size_t key_max = 64;
  constexpr size_t letters_per_slip = 3;
  std::string text =
      fmt::format("there is no key {:?} in {}", key.substr(0, key_max), section.what);
  std::string_view nearest;
  size_t least = 1 + std::max<size_t>(1, std::min(key.size(), key_max) / letters_per_slip);
  for (const std::string_view known : section.keys) {
    const size_t off = key.size() > key_max ? key.size() : distance(key, known);
    if (off >= least) continue;
    least = off;
    nearest = known;
  }
  if (!nearest.empty()) return text + fmt::format("; did you mean {}?", nearest);
  return text + fmt::format("; there are {}", fmt::join(section.keys, ", "));
}

}  // namespace sluice
