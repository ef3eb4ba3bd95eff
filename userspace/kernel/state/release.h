// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The version of an instance: the layout of its state, and its programs.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/instance.h"
#include "support/result.h"

namespace sluice {

struct Release {
  std::string version;       // "0.1.0"; empty: from before versions were recorded
  uint64_t fingerprint = 0;  // of the BPF objects

  // Compares the programs alone; the version of the command does not matter.
  friend bool operator==(const Release& a, const Release& b) {
    return a.fingerprint == b.fingerprint;
  }
  [[nodiscard]] std::string text() const;  // "0.1.0 (5c0f3a91)"
};

Release own_release();
Result<void> put_release(const std::string& programs);
// Of the programs pinned in an instance's directory.
Result<Release> loaded_release(const std::string& directory);
// Sentence for the operator if the instance's programs are not this sluice's; else empty.
Result<std::string> other_release_note(const std::string& directory);

// The root of an instance. Refuses another layout than this sluice's.
Result<sluice_instance> instance_root(const std::string& directory);

}  // namespace sluice
