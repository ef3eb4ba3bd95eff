// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/release.h"

#include <unistd.h>

#include <cstring>

#include "fingerprint.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/map.h"
#include "sluice/limits.h"
#include "support/version.h"

namespace sluice {
namespace {

using Releases = Map<uint32_t, sluice_release>;

}  // namespace

std::string Release::text() const {
  if (version.empty()) return "an older version";
  return fmt::format("{} ({:08x})", version, fingerprint >> 32);
}

Release own_release() {
  return {.version = std::string(version_text), .fingerprint = SLUICE_FINGERPRINT};
}

Result<void> put_release(const std::string& programs) {
  auto releases = TRY(Releases::open(programs, "release"));
  sluice_release record{};
  version_text.copy(record.version, SLUICE_VERSION_LENGTH - 1);
  record.fingerprint = SLUICE_FINGERPRINT;
  return releases.put(0, record);
}

Result<Release> loaded_release(const std::string& directory) {
  const std::string programs = directory + "/programs";
  if (access((programs + "/release").c_str(), F_OK) != 0) return Release{};
  auto releases = TRY(Releases::open(programs, "release"));
  const auto record = TRY(releases.find(0));
  const sluice_release found = record.value_or(sluice_release{});
  return Release{.version = {found.version, strnlen(found.version, sizeof(found.version))},
                 .fingerprint = found.fingerprint};
}

Result<std::string> other_release_note(const std::string& directory) {
  const auto loaded = TRY(loaded_release(directory));
  const Release own = own_release();
  if (loaded == own) return std::string();
  const std::string name = instance_name(directory);
  return fmt::format(
      "instance {}: its programs are of another sluice, {}, and this one is {} (sluice instance "
      "upgrade {} puts this one's in their place)",
      name, loaded.text(), own.text(), name);
}

Result<sluice_instance> instance_root(const std::string& directory) {
  auto roots = TRY(Map<uint32_t, sluice_instance>::open(directory, "instance"));
  const auto found = TRY(roots.find(0));
  const sluice_instance root = found.value_or(sluice_instance{});
  if (root.schema != SLUICE_SCHEMA_VERSION)
    return failed("{}: its layout has version {} where this sluice has {} {}", directory,
                  root.schema, SLUICE_SCHEMA_VERSION, restart_advice(directory));
  return root;
}

}  // namespace sluice
