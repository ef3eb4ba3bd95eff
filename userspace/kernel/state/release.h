// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Of which version an instance is: the layout of its state, and the programs that work on it.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/instance.h"
#include "support/result.h"

namespace sluice {

struct Release {
  std::string version;       // "0.1.0"; empty: of a sluice that did not say so yet
  uint64_t fingerprint = 0;  // of its BPF objects

  // The same programs, whatever the command around them calls itself.
  friend bool operator==(const Release& a, const Release& b) {
    return a.fingerprint == b.fingerprint;
  }
  [[nodiscard]] std::string text() const;  // "0.1.0 (5c0f3a91)"
};

Release own_release();
Result<void> put_release(const std::string& programs);
// Of the programs that are pinned in an instance's directory.
Result<Release> loaded_release(const std::string& directory);
// For who works on an instance with the programs of another sluice; empty: they are this one's.
Result<std::string> other_release_note(const std::string& directory);

// The root of an instance; of another layout than this sluice's: an error that says what to do.
Result<sluice_instance> instance_root(const std::string& directory);
// What to do with an instance whose state cannot be adopted, in brackets.
[[nodiscard]] std::string way_out(const std::string& directory);

}  // namespace sluice
