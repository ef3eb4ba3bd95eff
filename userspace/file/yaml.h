// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A YAML document as a tree whose nodes know their position. libyaml parses; refused here: a second
// document, tags, anchors and aliases (which expand a small file into a large one), keys that are
// not words, keys that occur twice.
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
  bool plain = false;         // a scalar without quotes (YAML calls it plain)
  Mark mark{};
  std::string text{};                // of a scalar
  std::vector<uint32_t> items{};     // of a list: indices into YamlDocument::nodes
  std::vector<YamlEntry> entries{};  // of a mapping, in the order of the file
};

struct YamlDocument {
  std::vector<YamlNode> nodes;  // the first is the root; empty: there is none
  std::vector<FileError> errors;
  bool damaged = false;  // the tree is incomplete because of an error

  [[nodiscard]] const YamlNode& at(uint32_t index) const { return nodes[index]; }
};

// Reads on after an error as long as the text is YAML.
[[nodiscard]] YamlDocument parse_yaml(std::string_view text);

}  // namespace sluice
