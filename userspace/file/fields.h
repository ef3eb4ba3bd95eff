// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The values of one mapping of the file, read key by key. An error is recorded with its position,
// and the other keys are read all the same. Private to file.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "file/keys.h"
#include "file/yaml.h"
#include "support/result.h"

namespace sluice {

// The kind of a node in a sentence: "a list", "a mapping" ...
[[nodiscard]] inline std::string_view kind_text(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::nothing:
      return "nothing";
    case YamlNode::Kind::scalar:
      return "a word";
    case YamlNode::Kind::list:
      return "a list";
    case YamlNode::Kind::mapping:
      return "a mapping";
  }
  return "something";
}

class Fields {
 public:
  // Refuses keys that the section does not have. `node` is a mapping; otherwise there are no keys.
  Fields(const YamlDocument& document, const YamlNode& node, const FileSection& section,
         std::vector<FileError>& errors)
      : document_(document), node_(node), errors_(errors) {
    for (const YamlEntry& entry : node.entries) {
      bool known = false;
      for (const std::string_view key : section.keys) known = known || key == entry.key;
      if (!known) refuse(entry.mark, unknown_key_text(section, entry.key));
    }
  }

  [[nodiscard]] const YamlEntry* entry(std::string_view key) const {
    for (const YamlEntry& each : node_.entries)
      if (each.key == key) return &each;
    return nullptr;
  }

  // Null: the key is missing, or has no value, which is refused with what to write for none.
  const YamlNode* find(std::string_view key, std::string_view none = {}) {
    const YamlEntry* found = entry(key);
    if (found == nullptr) return nullptr;
    const YamlNode& node = document_.at(found->value);
    if (node.kind != YamlNode::Kind::nothing) return &node;
    refuse(found->mark, none.empty()
                            ? fmt::format("{} has no value; write one, or remove the line", key)
                            : fmt::format("{} has no value; write {} for none", key, none));
    return nullptr;
  }

  // A mapping or a list; null as above, and if it is of another kind.
  const YamlNode* find(std::string_view key, YamlNode::Kind kind, std::string_view none) {
    const YamlNode* node = find(key, none);
    if (node == nullptr || node->kind == kind) return node;
    refuse(node->mark,
           fmt::format("{} wants {}, and here is {}", key,
                       kind == YamlNode::Kind::list ? "a list" : "a mapping", kind_text(*node)));
    return nullptr;
  }

  // Parses the word into `value`; records the error if `parse` refuses it.
  template <typename Value, typename Parse>
  void take(std::string_view key, Value& value, Parse parse) {
    const YamlNode* node = find(key);
    if (node != nullptr) take(key, *node, value, parse);
  }

  template <typename Value, typename Parse>
  bool take(std::string_view what, const YamlNode& node, Value& value, Parse parse) {
    if (node.kind != YamlNode::Kind::scalar) {
      refuse(node.mark, fmt::format("{} wants a word, and here is {}", what, kind_text(node)));
      return false;
    }
    auto parsed = parse(std::string_view(node.text));
    if (!parsed) {
      refuse(node.mark, parsed.error().text);
      return false;
    }
    value = std::move(*parsed);
    return true;
  }

  void take_flag(std::string_view key, bool& value) {
    const YamlNode* node = find(key);
    if (node == nullptr) return;
    if (node->kind == YamlNode::Kind::scalar && node->plain) {
      if (node->text == "true" || node->text == "false") {
        value = node->text == "true";
        return;
      }
    }
    refuse(node->mark, fmt::format("{} is true or false{}", key,
                                   node->kind == YamlNode::Kind::scalar
                                       ? fmt::format(", and here is {:?}", node->text)
                                       : std::string()));
  }

  // A list of words, or one word: take_one(node) for each.
  template <typename Take>
  void for_words(std::string_view key, Take take_one) {
    const YamlNode* node = find(key, "[]");
    if (node == nullptr) return;
    if (node->kind == YamlNode::Kind::list) {
      for (const uint32_t item : node->items) take_one(document_.at(item));
    } else {
      take_one(*node);
    }
  }

  void refuse(Mark mark, std::string text) { errors_.push_back({mark, std::move(text)}); }
  [[nodiscard]] const YamlDocument& document() const { return document_; }
  [[nodiscard]] std::vector<FileError>& errors() { return errors_; }

 private:
  const YamlDocument& document_;
  const YamlNode& node_;
  std::vector<FileError>& errors_;
};

// The key `health` of a service (file/read_health.cpp).
[[nodiscard]] std::optional<HealthCheck> read_health(Fields& service);

}  // namespace sluice
