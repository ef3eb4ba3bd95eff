// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The key `health` of a service.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "file/fields.h"
#include "model/quantity.h"

namespace sluice {

namespace {

// Keys that only some kinds of checks have.
struct KeysOfKind {
  CheckKind kind;
  std::string_view key;
};
constexpr auto keys_of_kinds = std::to_array<KeysOfKind>({
    {CheckKind::http, "path"},
    {CheckKind::http, "host"},
    {CheckKind::http, "status"},
    {CheckKind::http, "body"},
    {CheckKind::https, "path"},
    {CheckKind::https, "host"},
    {CheckKind::https, "status"},
    {CheckKind::https, "body"},
    {CheckKind::https, "tls-verify"},
    {CheckKind::dns, "query"},
    {CheckKind::dns, "type"},
    {CheckKind::dns, "answer"},
    {CheckKind::udp, "request"},
    {CheckKind::udp, "response"},
    {CheckKind::script, "command"},
});

constexpr size_t text_max = 1024;
constexpr uint32_t jitter_max = 50;
constexpr uint32_t rise_max = 100;

Result<std::string> parse_path(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (text.starts_with('/') && printable && text.size() <= text_max) return std::string(text);
  return misused("path {:?}: not a path of HTTP; write it as in /health, percent-encoded", text);
}

Result<std::string> parse_text(std::string_view text) {
  if (text.size() <= text_max && text.find('\0') == std::string_view::npos)
    return std::string(text);
  return misused("text of {} bytes: longer than {} or with a NUL in it; shorten it", text.size(),
                 text_max);
}

Result<uint32_t> parse_jitter(std::string_view text) {
  std::string_view digits = text;
  if (digits.ends_with('%')) digits.remove_suffix(1);
  auto percent = parse_number("jitter", digits, 0, jitter_max);
  if (!percent)
    return misused("jitter {:?}: not from 0% to {}%, of the interval", text, jitter_max);
  return percent;
}

// A key of another kind is an error: it would have no effect.
void refuse_useless_keys(Fields& fields, CheckKind kind) {
  for (const KeysOfKind& each : keys_of_kinds) {
    const YamlEntry* entry = fields.entry(each.key);
    if (entry == nullptr) continue;
    std::vector<std::string_view> kinds;
    bool used = false;
    bool first = true;
    for (const KeysOfKind& other : keys_of_kinds) {
      if (other.key != each.key) continue;
      if (kinds.empty()) first = other.kind == each.kind;
      kinds.push_back(check_kind_text(other.kind));
      used = used || other.kind == kind;
    }
    if (used || !first) continue;
    fields.refuse(entry->mark,
                  fmt::format("{} is for checks of kind {}, and this one is {}; remove it, or "
                              "write another check",
                              each.key, fmt::join(kinds, " and "), check_kind_text(kind)));
  }
}

void read_expectations(Fields& fields, HealthCheck& check) {
  fields.take("path", check.path, parse_path);
  fields.take("host", check.host, parse_dns_name);
  fields.take("body", check.body, parse_text);
  fields.take_flag("tls-verify", check.tls_verify);
  if (fields.entry("status") != nullptr) {
    check.status.clear();
    const size_t errors = fields.errors().size();
    fields.for_words("status", [&](const YamlNode& node) {
      StatusRange range;
      if (fields.take("status", node, range, parse_status_range)) check.status.push_back(range);
    });
    if (check.status.empty() && fields.errors().size() == errors)
      fields.refuse(fields.entry("status")->mark, "status has no code; write one, as in 200-299");
  }
  fields.take("query", check.query, parse_dns_name);
  fields.take("type", check.type, parse_record_type);
  fields.take("answer", check.answer, parse_text);
  fields.take("request", check.request, parse_payload);
  fields.take("response", check.response, parse_payload);
  fields.for_words("command", [&](const YamlNode& node) {
    std::string word;
    if (fields.take("command", node, word, parse_text)) check.command.push_back(word);
  });
}

void refuse_incomplete(Fields& fields, Mark mark, const HealthCheck& check) {
  const auto missing = [&](std::string_view key, std::string_view why) {
    if (fields.entry(key) == nullptr)
      fields.refuse(mark, fmt::format("a check of kind {} needs {}, {}; write it",
                                      check_kind_text(check.kind), key, why));
  };
  if (check.kind == CheckKind::dns) missing("query", "the name to ask for");
  if (check.kind == CheckKind::script) missing("command", "the program to run");
  if (check.command.empty() && fields.entry("command") != nullptr)
    fields.refuse(fields.entry("command")->mark, "command is empty; write the program to run");
  if (check.kind == CheckKind::script && !check.command.empty() &&
      !check.command.front().starts_with('/'))
    fields.refuse(
        fields.entry("command")->mark,
        fmt::format("command {:?}: not a whole path, and no PATH is searched; write where "
                    "the program is",
                    check.command.front()));
  if (check.timeout_ms > check.interval_ms)
    fields.refuse(mark,
                  fmt::format("the timeout of {} is longer than the interval of {}, so one "
                              "check would begin before the last has ended; shorten it",
                              interval_text(check.timeout_ms), interval_text(check.interval_ms)));
  if (check.kind == CheckKind::https && check.tls_verify && check.host.empty())
    fields.refuse(mark, "tls-verify needs a host, the name in the certificate; write it");
}

}  // namespace

std::optional<HealthCheck> read_health(Fields& service) {
  const YamlNode* node = service.find("health", YamlNode::Kind::mapping, {});
  if (node == nullptr) return {};
  Fields fields(service.document(), *node, health_section, service.errors());
  HealthCheck check;
  const size_t errors = service.errors().size();
  fields.take("check", check.kind, parse_check_kind);
  fields.take("via", check.via, parse_check_via);
  fields.take("port", check.port, parse_port);
  fields.take("interval", check.interval_ms, parse_interval_ms);
  fields.take("timeout", check.timeout_ms, parse_interval_ms);
  if (fields.entry("timeout") == nullptr)
    check.timeout_ms = std::min(check.timeout_ms, check.interval_ms);
  fields.take("jitter", check.jitter_percent, parse_jitter);
  const auto times = [](std::string_view what) {
    return [what](std::string_view text) { return parse_number(what, text, 1, rise_max); };
  };
  fields.take("rise", check.rise, times("rise"));
  fields.take("fall", check.fall, times("fall"));
  fields.take_flag("passive", check.passive);
  read_expectations(fields, check);
  // Missing keys are reported only if all others are good.
  if (service.errors().size() > errors) return check;
  refuse_useless_keys(fields, check.kind);
  refuse_incomplete(fields, node->mark, check);
  return check;
}

}  // namespace sluice
