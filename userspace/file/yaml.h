// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A YAML document as a tree whose nodes know where they stand. libyaml reads; what the
// configuration file has no use for is refused here: further documents, tags, anchors and aliases
// (which would let a small file become a large one), keys that are no plain words, keys that come
// twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/desired.h"

namespace sluice {

struct YamlEntry {
  std::string key;
  Mark mark;  // of the key
  uint32_t value = 0;
};

struct YamlNode {
  enum class Kind : uint8_t { nothing, scalar, list, mapping };
  Kind kind = Kind::nothing;  // nothing: an empty value, or null
  bool plain = false;         // a scalar without quotes
  Mark mark{};
  std::string text{};                // of a scalar
  std::vector<uint32_t> items{};     // of a list: indices into YamlDocument::nodes
  std::vector<YamlEntry> entries{};  // of a mapping, in the order of the file
};

struct YamlDocument {
  std::vector<YamlNode> nodes;  // the first is the root; empty: there is none
  std::vector<FileError> errors;
  bool damaged = false;  // something is missing from the tree for what was refused

  [[nodiscard]] const YamlNode& at(uint32_t index) const { return nodes[index]; }
};

// Files are read to the end even where something is refused, as long as they are YAML at all.
[[nodiscard]] YamlDocument parse_yaml(std::string_view text);

}  // namespace sluice
