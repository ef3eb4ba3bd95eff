// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/congestion/choice.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "kernel/congestion/listeners.h"
#include "kernel/congestion/route.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/map.h"
#include "kernel/system/routes.h"

namespace sluice {
namespace {

using Choices = Map<sluice_choice, sluice_chosen>;

constexpr const char* map_name = "congestion_choices";
// Of the network namespace of the thread that opens it. Applies to IPv6 too.
constexpr const char* namespace_default = "/proc/sys/net/ipv4/tcp_congestion_control";

std::string name_of(const sluice_chosen& chosen) {
  return {chosen.before, strnlen(chosen.before, sizeof(chosen.before))};
}

sluice_choice key_of(const Choice& choice) {
  sluice_choice key{};
  key.netns = std::strtoull(network_namespace_id().c_str(), nullptr, 10);
  switch (choice.kind) {
    case ChoiceKind::network_namespace:
      key.kind = SLUICE_CHOICE_NAMESPACE;
      break;
    case ChoiceKind::route:
      key.kind = SLUICE_CHOICE_ROUTE;
      key.address = choice.prefix.address.raw();
      key.prefix_bits = choice.prefix.bits;
      break;
    case ChoiceKind::listener:
      key.kind = SLUICE_CHOICE_LISTENER;
      key.address = choice.endpoint.address.raw();
      key.port = choice.endpoint.port;
      break;
  }
  return key;
}

Choice choice_of(const sluice_choice& key) {
  Choice choice;
  const Address address(key.address);
  choice.netns = std::to_string(key.netns);
  choice.here = choice.netns == network_namespace_id();
  if (key.kind == SLUICE_CHOICE_ROUTE) {
    choice.kind = ChoiceKind::route;
    choice.prefix = {.address = address, .bits = static_cast<uint8_t>(key.prefix_bits)};
  } else if (key.kind == SLUICE_CHOICE_LISTENER) {
    choice.kind = ChoiceKind::listener;
    choice.endpoint = {.address = address, .port = static_cast<uint16_t>(key.port)};
  }
  return choice;
}

Result<std::string> default_of_namespace() {
  std::ifstream file(namespace_default);
  std::string name;
  if (!(file >> name)) return failed("{}: cannot be read", namespace_default);
  return name;
}

Result<void> set_default_of_namespace(const std::string& name) {
  std::ofstream file(namespace_default);
  file << name << std::flush;
  if (!file)
    return failed("{}: {} cannot be written: {}", namespace_default, name, error_text(errno));
  return {};
}

// The name in force; empty for listeners, which can differ from each other.
Result<std::string> chosen_now(const Choice& choice) {
  if (choice.kind == ChoiceKind::route) return route_congestion(choice.prefix);
  if (choice.kind == ChoiceKind::network_namespace) return default_of_namespace();
  return std::string();
}

std::string before_text(const std::string& before) {
  return before.empty() ? "before: that of the namespace" : "before: " + before;
}

Result<ChoiceChange> choose_listeners(Choices& map, const Choice& choice, const std::string& name) {
  auto changed = TRY(set_listeners(choice.endpoint, name, {}));
  if (changed.empty())
    return failed(
        "listeners on {}: no socket listens there in this network namespace (ss -tln); start the "
        "server first, then choose",
        choice.endpoint.text());
  const auto other = std::find_if(changed.begin(), changed.end(),
                                  [&](const auto& one) { return one.before != name; });
  if (other == changed.end())
    return ChoiceChange{false, fmt::format("{}: have {} already", choice.text(), name)};
  sluice_chosen chosen{};
  other->before.copy(chosen.before, sizeof(chosen.before) - 1);
  TRY(map.put(key_of(choice), chosen));
  return ChoiceChange{
      true, fmt::format("{}: connections accepted by {} of them get {} ({})", choice.text(),
                        changed.size(), name, before_text(other->before))};
}

Result<void> give(const Choice& choice, const std::string& name) {
  if (choice.kind == ChoiceKind::route) return set_route_congestion(choice.prefix, name);
  return set_default_of_namespace(name);
}

// For a route or a namespace that had `before`.
ChoiceChange choice_change(const Choice& choice, const std::string& name,
                           const std::string& before) {
  if (before == name) return {false, fmt::format("{}: has {} already", choice.text(), name)};
  return {true,
          fmt::format("{}: new connections get {} ({})", choice.text(), name, before_text(before))};
}

Result<std::optional<Choices>> open_choices(const std::string& instance_dir) {
  if (!is_pinned(instance_dir, map_name)) return std::optional<Choices>{};
  return TRY(Choices::open(instance_dir, map_name));
}

// Empty: other software changed the choice since, and its value stays.
Result<std::string> undo(const Choice& choice, const std::string& name, const std::string& before) {
  const std::string done = before.empty() ? "that of the namespace" : before;
  if (choice.kind == ChoiceKind::listener) {
    auto changed = TRY(set_listeners(choice.endpoint, before, name));
    return changed.empty() ? std::string() : fmt::format("{}: {} again", choice.text(), done);
  }
  auto now = chosen_now(choice);
  // Nothing to undo if the route no longer exists.
  if (!now || *now != name) return std::string();
  TRY(give(choice, before));
  return fmt::format("{}: {} again", choice.text(), done);
}

}  // namespace

std::string Choice::text() const {
  std::string where = here ? "" : fmt::format(" (in network namespace {})", netns);
  switch (kind) {
    case ChoiceKind::route:
      return "route " + prefix.text() + where;
    case ChoiceKind::listener:
      return "listeners on " + endpoint.text() + where;
    case ChoiceKind::network_namespace:
      break;
  }
  return here ? "this network namespace" : "network namespace " + netns;
}

Result<ChoiceChange> would_choose(const Choice& choice, const std::string& name) {
  if (choice.kind == ChoiceKind::listener)
    return ChoiceChange{
        true, fmt::format("{}: connections they accept would get {}", choice.text(), name)};
  auto before = TRY(chosen_now(choice));
  return choice_change(choice, name, before);
}

Result<ChoiceChange> choose(const std::string& instance_dir, const Choice& choice,
                            const std::string& name) {
  auto map = TRY(Choices::open(instance_dir, map_name));
  if (choice.kind == ChoiceKind::listener) return choose_listeners(map, choice, name);
  auto before = TRY(chosen_now(choice));
  ChoiceChange change = choice_change(choice, name, before);
  if (!change.changed) return change;
  // Recorded first, so that a choice of a killed command can be undone.
  sluice_chosen chosen{};
  before.copy(chosen.before, sizeof(chosen.before) - 1);
  TRY(map.put(key_of(choice), chosen));
  if (auto given = give(choice, name); !given) {
    (void)map.erase(key_of(choice));
    return tl::unexpected(given.error());
  }
  return change;
}

Result<std::string> unchoose(const std::string& instance_dir, const Choice& choice,
                             const std::string& name) {
  auto map = TRY(Choices::open(instance_dir, map_name));
  const auto chosen = TRY(map.find(key_of(choice)));
  if (!chosen) return std::string();
  auto sentence = TRY(undo(choice, name, name_of(*chosen)));
  TRY(map.erase(key_of(choice)));
  return sentence;
}

Result<std::vector<std::string>> undo_choices(const std::string& instance_dir,
                                              const std::string& name) {
  std::vector<std::string> sentences;
  auto map = TRY(open_choices(instance_dir));
  if (!map) return sentences;
  auto entries = TRY(map->entries());
  for (const auto& [key, chosen] : entries) {
    const Choice choice = choice_of(key);
    if (!choice.here) {
      sentences.push_back(fmt::format(
          "{}: stays; its new connections get the default of their namespace", choice.text()));
      continue;
    }
    auto sentence = TRY(undo(choice, name, name_of(chosen)));
    if (!sentence.empty()) sentences.push_back(std::move(sentence));
    TRY(map->erase(key));
  }
  return sentences;
}

Result<void> renew_choices(const std::string& instance_dir, const std::string& name) {
  auto map = TRY(open_choices(instance_dir));
  if (!map) return {};
  auto entries = TRY(map->entries());
  for (const auto& [key, chosen] : entries) {
    const Choice choice = choice_of(key);
    // A route refers to its algorithm by name, the other two by pointer.
    if (!choice.here || choice.kind == ChoiceKind::route) continue;
    if (choice.kind == ChoiceKind::listener) {
      TRY(set_listeners(choice.endpoint, name, name));
    } else if (auto now = default_of_namespace(); now && *now == name) {
      TRY(set_default_of_namespace(name));
    }
  }
  return {};
}

Result<std::vector<Choice>> choices(const std::string& instance_dir) {
  std::vector<Choice> all;
  auto map = TRY(open_choices(instance_dir));
  if (!map) return all;
  auto entries = TRY(map->entries());
  for (const auto& [key, chosen] : entries) all.push_back(choice_of(key));
  std::sort(all.begin(), all.end(),
            [](const Choice& a, const Choice& b) { return a.text() < b.text(); });
  return all;
}

}  // namespace sluice
