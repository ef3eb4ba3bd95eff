// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "file/yaml.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <unordered_set>

namespace sluice {

namespace {

constexpr size_t depth_max = 16;
// Errors reported of one file.
constexpr size_t errors_max = 20;

Mark mark_of(const yaml_mark_t& mark) {
  return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
}

std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

// An event of libyaml, freed by the destructor.
class Event {
 public:
  Event() = default;
  ~Event() { yaml_event_delete(&event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  yaml_event_t* get() { return &event_; }
  yaml_event_t* operator->() { return &event_; }

 private:
  yaml_event_t event_{};
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    // Bytes: a line is rarely shorter.
    document_.nodes.reserve(text.size() / 16);
  }
  ~Reader() { yaml_parser_delete(&parser_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  YamlDocument read();

 private:
  // A list or mapping that has not ended; a mapping waits for a key or for a value.
  struct Open {
    uint32_t node;
    bool mapping;
    bool wants_value = false;
    std::unordered_set<std::string> keys{};
  };

  bool take(Event& event);  // false: the end
  void scalar(Event& event);
  void open(Event& event, bool mapping);
  void close();
  [[nodiscard]] bool waits_for_key() const {
    return !open_.empty() && open_.back().mapping && !open_.back().wants_value;
  }
  void skip_key(Mark mark);
  // Adds a node as the next item, value or root.
  uint32_t append(YamlNode node);
  bool takes_key(std::string_view key, Mark mark);
  void refuse_decoration(const yaml_char_t* anchor, const yaml_char_t* tag, Mark mark);
  void refuse(Mark mark, std::string text);  // an error that leaves the tree complete
  void damage(Mark mark, std::string text);
  void refuse_syntax();
  [[nodiscard]] Mark mark_at(size_t byte) const;

  std::string_view text_;
  yaml_parser_t parser_{};
  YamlDocument document_;
  std::vector<Open> open_;
  size_t skipping_ = 0;  // levels below a node that was refused
  size_t documents_ = 0;
};

YamlDocument Reader::read() {
  for (bool going = true; going && document_.errors.size() < errors_max;) {
    Event event;
    if (yaml_parser_parse(&parser_, event.get()) == 0) {
      refuse_syntax();
      break;
    }
    going = take(event);
  }
  return std::move(document_);
}

bool Reader::take(Event& event) {
  const Mark mark = mark_of(event->start_mark);
  switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
      if (++documents_ > 1) {
        damage(mark,
               "a second document begins here; a configuration is one document, so remove the "
               "line ---");
        return false;
      }
      return true;
    case YAML_ALIAS_EVENT:
      damage(mark,
             fmt::format("*{} is an alias, which this file does not allow; write out its value",
                         view(event->data.alias.anchor)));
      if (skipping_ > 0 || open_.empty()) return true;
      if (waits_for_key())
        skip_key(mark);
      else
        append({});
      return true;
    case YAML_SCALAR_EVENT:
      scalar(event);
      return true;
    case YAML_SEQUENCE_START_EVENT:
      refuse_decoration(event->data.sequence_start.anchor, event->data.sequence_start.tag, mark);
      open(event, false);
      return true;
    case YAML_MAPPING_START_EVENT:
      refuse_decoration(event->data.mapping_start.anchor, event->data.mapping_start.tag, mark);
      open(event, true);
      return true;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      close();
      return true;
    case YAML_STREAM_END_EVENT:
      return false;
    default:
      return true;
  }
}

void Reader::scalar(Event& event) {
  const auto& data = event->data.scalar;
  const Mark mark = mark_of(event->start_mark);
  refuse_decoration(data.anchor, data.tag, mark);
  if (skipping_ > 0) return;
  const std::string_view text(reinterpret_cast<const char*>(data.value), data.length);
  if (waits_for_key()) {
    takes_key(text, mark);
    return;
  }
  YamlNode node;
  node.mark = mark;
  node.plain = data.style == YAML_PLAIN_SCALAR_STYLE;
  const bool nothing =
      node.plain && (text.empty() || text == "~" || text == "null" || text == "Null");
  node.kind = nothing ? YamlNode::Kind::nothing : YamlNode::Kind::scalar;
  if (!nothing) node.text = text;
  append(std::move(node));
}

void Reader::open(Event& event, bool mapping) {
  const Mark mark = mark_of(event->start_mark);
  if (skipping_ > 0) {
    skipping_++;
    return;
  }
  if (waits_for_key()) {
    damage(mark,
           "a key is a word, and here is a whole list or mapping; write the word, then a "
           "colon");
    skip_key(mark);
    skipping_ = 1;
    return;
  }
  if (open_.size() >= depth_max) {
    damage(mark, fmt::format("nested more than {} deep; no configuration is", depth_max));
    append({});
    skipping_ = 1;
    return;
  }
  YamlNode node;
  node.mark = mark;
  node.kind = mapping ? YamlNode::Kind::mapping : YamlNode::Kind::list;
  const uint32_t index = append(std::move(node));
  open_.push_back({index, mapping});
}

void Reader::close() {
  if (skipping_ > 0) {
    skipping_--;
    return;
  }
  open_.pop_back();
}

// The key is refused: its value is read and dropped.
void Reader::skip_key(Mark mark) {
  open_.back().wants_value = true;
  document_.nodes[open_.back().node].entries.push_back({"", mark, 0});
}

uint32_t Reader::append(YamlNode node) {
  const auto index = static_cast<uint32_t>(document_.nodes.size());
  document_.nodes.push_back(std::move(node));
  if (open_.empty()) return index;
  Open& parent = open_.back();
  YamlNode& holder = document_.nodes[parent.node];
  if (parent.mapping) {
    holder.entries.back().value = index;
    parent.wants_value = false;
  } else {
    holder.items.push_back(index);
  }
  return index;
}

bool Reader::takes_key(std::string_view key, Mark mark) {
  Open& parent = open_.back();
  parent.wants_value = true;
  std::vector<YamlEntry>& entries = document_.nodes[parent.node].entries;
  // A linear search is faster for few keys. The services use a set.
  constexpr size_t few = 24;
  bool twice = false;
  if (entries.size() < few) {
    for (const YamlEntry& entry : entries) twice = twice || entry.key == key;
  } else {
    if (parent.keys.empty())
      for (const YamlEntry& entry : entries) parent.keys.insert(entry.key);
    twice = parent.keys.contains(std::string(key));
  }
  if (twice)
    refuse(mark, fmt::format("{:?} is here a second time; put both together, or remove one", key));
  entries.push_back({std::string(key), mark, 0});
  if (entries.size() > few) parent.keys.insert(std::string(key));
  return !twice;
}

void Reader::refuse_decoration(const yaml_char_t* anchor, const yaml_char_t* tag, Mark mark) {
  if (anchor != nullptr)
    refuse(mark, fmt::format("&{} is an anchor, which this file does not allow; remove it",
                             view(anchor)));
  if (tag != nullptr)
    refuse(mark, fmt::format("the tag {} gives a type, which the file's keys already do; "
                             "remove it",
                             view(tag)));
}

void Reader::refuse(Mark mark, std::string text) {
  document_.errors.push_back({mark, std::move(text)});
}

void Reader::damage(Mark mark, std::string text) {
  document_.damaged = true;
  refuse(mark, std::move(text));
}

// libyaml gives a byte offset, no mark, for text that it cannot decode.
Mark Reader::mark_at(size_t byte) const {
  const std::string_view before = text_.substr(0, byte);
  const size_t line_start = before.rfind('\n') + 1;  // 0 in the first line
  return {static_cast<uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<uint32_t>(1 + before.size() - line_start)};
}

// The message of libyaml, and the usual cause.
void Reader::refuse_syntax() {
  const std::string_view problem = parser_.problem == nullptr ? "unreadable" : parser_.problem;
  if (parser_.error == YAML_READER_ERROR) {
    damage(mark_at(parser_.problem_offset),
           fmt::format("not text in UTF-8 ({}); write the file in UTF-8 without control characters",
                       problem));
    return;
  }
  std::string text = fmt::format("not YAML: {}", problem);
  if (parser_.context != nullptr && parser_.context_mark.line != parser_.problem_mark.line)
    text +=
        fmt::format(", {} that begins in line {}", parser_.context, parser_.context_mark.line + 1);
  const char* cure = "check the indentation and the punctuation before it";
  if (problem.find("cannot start any token") != std::string_view::npos)
    cure = "indent with blanks, not tabs, and put quotes around a value that begins with a sign";
  if (problem.find("expected ',' or") != std::string_view::npos)
    cure = "a bracket or a comma is missing before it";
  if (problem.find("mapping values are not allowed") != std::string_view::npos)
    cure = "put quotes around a value that holds a colon and a blank, or begin a new line";
  if (problem.find("could not find expected ':'") != std::string_view::npos)
    cure = "put a colon and a blank behind the key";
  if (problem.find("unexpected end of stream") != std::string_view::npos)
    cure = "close the quote or the bracket";
  damage(mark_of(parser_.problem_mark), fmt::format("{}; {}", text, cure));
}

}  // namespace

YamlDocument parse_yaml(std::string_view text) {
  return Reader(text).read();
}

}  // namespace sluice
