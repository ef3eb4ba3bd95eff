// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "file/read.h"

#include <net/if.h>

#include <algorithm>

#include "file/fields.h"
#include "model/quantity.h"
#include "sluice/limits.h"

namespace sluice {

namespace {

Result<std::string> parse_device(std::string_view text) {
  // As dev_valid_name() of net/core/dev.c.
  const bool valid = !text.empty() && text.size() < IFNAMSIZ && text != "." && text != ".." &&
                     text.find_first_of("/: \t\n") == std::string_view::npos;
  if (valid) return std::string(text);
  return misused("device {:?}: not a name that a device can have; ip link shows those there are",
                 text);
}

// The rule of kernel/congestion/control.h, repeated because a file is checked without a kernel.
Result<std::string> parse_congestion(std::string_view text) {
  constexpr size_t length_max = 15;
  const bool valid = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
  if (valid && !text.empty() && text.size() <= length_max) return std::string(text);
  return misused(
      "name {:?}: cannot name a congestion control: the kernel takes 1 to {} letters, digits, "
      "\"_\" and \".\"",
      text, length_max);
}

class FileReader {
 public:
  explicit FileReader(std::string_view text) : document_(parse_yaml(text)) {
    reading_.errors = std::move(document_.errors);
  }

  FileReading read();

 private:
  void read_services(Fields& file);
  DesiredService read_service(const YamlEntry& entry);
  void read_options(Fields& fields, DesiredService& service);
  void read_policy(Fields& fields, DesiredService& service);
  void read_client_weights(Fields& fields, DesiredService& service);
  void read_filters(Fields& fields, std::string_view key, FilterAction action,
                    DesiredService& service);
  void read_backends(Fields& fields, DesiredService& service);
  DesiredBackend read_backend(Fields& fields, const YamlNode& node);
  void read_devices(Fields& file);
  AttachSettings read_xdp(Component component, const YamlNode& node);
  AttachSettings read_pace(const YamlNode& node);
  template <typename Why>
  YamlNode without(const YamlNode& node, const FileSection& section, Why why);
  void read_congestion(Fields& file);
  void read_run(Fields& file);
  void refuse(Mark mark, std::string text) { reading_.errors.push_back({mark, std::move(text)}); }

  YamlDocument document_;
  FileReading reading_;
};

FileReading FileReader::read() {
  if (document_.damaged) return std::move(reading_);
  if (document_.nodes.empty() || document_.nodes.front().kind != YamlNode::Kind::mapping) {
    if (reading_.errors.empty())
      refuse({1, 1}, "a configuration is a mapping, and here is none; begin with \"services:\"");
    return std::move(reading_);
  }
  const YamlNode& root = document_.nodes.front();
  Fields file(document_, root, file_section, reading_.errors);
  read_services(file);
  read_devices(file);
  read_congestion(file);
  read_run(file);
  std::stable_sort(reading_.errors.begin(), reading_.errors.end(),
                   [](const FileError& a, const FileError& b) {
                     if (a.mark.line != b.mark.line) return a.mark.line < b.mark.line;
                     return a.mark.column < b.mark.column;
                   });
  return std::move(reading_);
}

void FileReader::read_services(Fields& file) {
  const YamlNode* node = file.find("services", YamlNode::Kind::mapping, "{}");
  if (node == nullptr) return;
  auto& services = reading_.desired.services.emplace();
  services.reserve(node->entries.size());
  for (const YamlEntry& entry : node->entries) services.push_back(read_service(entry));
}

DesiredService FileReader::read_service(const YamlEntry& entry) {
  DesiredService service;
  service.mark = service.endpoint_mark = entry.mark;
  service.service.name = entry.key;
  if (auto name = parse_service_name(entry.key); !name) refuse(entry.mark, name.error().text);
  const YamlNode& node = document_.at(entry.value);
  if (node.kind != YamlNode::Kind::mapping) {
    refuse(node.kind == YamlNode::Kind::nothing ? entry.mark : node.mark,
           fmt::format("service {} wants a mapping with an address, and here is {}", entry.key,
                       kind_text(node)));
    return service;
  }
  Fields fields(document_, node, service_section, reading_.errors);
  if (const YamlEntry* address = fields.entry("address")) {
    service.endpoint_mark = document_.at(address->value).mark;
    fields.take("address", service.service.endpoint, Endpoint::parse);
  } else {
    refuse(entry.mark, fmt::format("service {} has no address; write one, as in address: "
                                   "203.0.113.10:443/tcp",
                                   entry.key));
  }
  read_options(fields, service);
  read_policy(fields, service);
  read_client_weights(fields, service);
  read_filters(fields, "allow", FilterAction::allow, service);
  read_filters(fields, "deny", FilterAction::deny, service);
  read_backends(fields, service);
  service.health = read_health(fields);
  return service;
}

void FileReader::read_options(Fields& fields, DesiredService& service) {
  for (size_t i = 0; i < service_options().size(); i++) {
    const ServiceOption& option = service_options()[i];
    const YamlEntry* entry = fields.entry(option.name);
    if (entry == nullptr) continue;
    service.option_marks[i] = entry->mark;
    if (option.is_flag()) {
      fields.take_flag(option.name, service.service.*std::get<bool Service::*>(option.member));
    } else {
      fields.take(option.name, service.service, [&](std::string_view text) -> Result<Service> {
        Service parsed = service.service;
        TRY(option.parse(text, parsed));
        return parsed;
      });
    }
  }
  fields.take("all-down", service.all_down, parse_all_down);
  fields.take("weights", service.weights, parse_weights);
}

void FileReader::read_policy(Fields& fields, DesiredService& service) {
  const YamlNode* node = fields.find("policy", YamlNode::Kind::mapping, "{}");
  if (node == nullptr) return;
  service.policy_mark = node->mark;
  Fields policy(document_, *node, policy_section, reading_.errors);
  for (const PolicyLimit& limit : policy_limits()) {
    policy.take(limit.name, service.policy.*limit.value,
                [&](std::string_view text) { return parse_limit(limit, text); });
  }
}

// A mapping from a prefix of clients to the weight of their flows.
void FileReader::read_client_weights(Fields& fields, DesiredService& service) {
  const YamlNode* node = fields.find("client-weights", YamlNode::Kind::mapping, "{}");
  if (node == nullptr) return;
  for (const YamlEntry& entry : node->entries) {
    DesiredClientWeight weight;
    weight.mark = entry.mark;
    auto prefix = Prefix::parse(entry.key);
    if (!prefix) {
      refuse(entry.mark, prefix.error().text);
      continue;
    }
    weight.prefix = *prefix;
    const YamlNode& value = document_.at(entry.value);
    if (value.kind == YamlNode::Kind::nothing) {
      refuse(entry.mark,
             fmt::format("{} has no weight; write one, as in {}: 10", entry.key, entry.key));
      continue;
    }
    if (fields.take(entry.key, value, weight.weight, parse_flow_weight))
      service.client_weights.push_back(weight);
  }
}

void FileReader::read_filters(Fields& fields, std::string_view key, FilterAction action,
                              DesiredService& service) {
  fields.for_words(key, [&](const YamlNode& node) {
    DesiredFilter filter{.prefix = {}, .action = action, .mark = node.mark};
    if (fields.take(key, node, filter.prefix, Prefix::parse)) service.filters.push_back(filter);
  });
}

void FileReader::read_backends(Fields& fields, DesiredService& service) {
  const YamlNode* node = fields.find("backends", YamlNode::Kind::list, "[]");
  if (node == nullptr) return;
  service.backends.reserve(node->items.size());
  for (const uint32_t item : node->items) {
    const size_t errors = reading_.errors.size();
    DesiredBackend backend = read_backend(fields, document_.at(item));
    if (reading_.errors.size() == errors) service.backends.push_back(backend);
  }
}

// "10.0.0.11:8443", or a mapping with an address.
DesiredBackend FileReader::read_backend(Fields& fields, const YamlNode& node) {
  DesiredBackend backend;
  backend.mark = node.mark;
  if (node.kind != YamlNode::Kind::mapping) {
    fields.take("a backend", node, backend.at, HostPort::parse);
    return backend;
  }
  Fields options(document_, node, backend_section, reading_.errors);
  if (options.entry("address") == nullptr)
    refuse(node.mark, "this backend has no address; write one, as in address: 10.0.0.11:8443");
  options.take("address", backend.at, HostPort::parse);
  options.take("weight", backend.weight, parse_weight);
  options.take("state", backend.state, parse_backend_state);
  return backend;
}

void FileReader::read_devices(Fields& file) {
  const YamlNode* node = file.find("devices", YamlNode::Kind::mapping, "{}");
  if (node == nullptr) return;
  auto& attachments = reading_.desired.attachments.emplace();
  for (const YamlEntry& entry : node->entries) {
    if (auto device = parse_device(entry.key); !device) refuse(entry.mark, device.error().text);
    const YamlNode& parts = document_.at(entry.value);
    if (parts.kind != YamlNode::Kind::mapping) {
      refuse(
          parts.kind == YamlNode::Kind::nothing ? entry.mark : parts.mark,
          fmt::format("device {} wants a mapping of what is attached to it, as in {{steer: {{}}}}",
                      entry.key));
      continue;
    }
    Fields fields(document_, parts, device_section, reading_.errors);
    for (const YamlEntry& component_entry : parts.entries) {
      const auto component = parse_component(component_entry.key);
      if (!component) continue;  // refused as an unknown key
      DesiredAttachment attachment{.device = entry.key,
                                   .component = *component,
                                   .settings = {},
                                   .mark = component_entry.mark};
      const YamlNode& options = document_.at(component_entry.value);
      if (options.kind == YamlNode::Kind::mapping) {
        attachment.settings =
            *component == Component::pace ? read_pace(options) : read_xdp(*component, options);
      } else if (options.kind != YamlNode::Kind::nothing) {
        refuse(
            options.mark,
            fmt::format("{} wants no value, or a mapping of options, as in {}", component_entry.key,
                        *component == Component::pace ? "{fq: true}" : "{xdp: native}"));
      }
      attachments.push_back(attachment);
    }
  }
}

AttachSettings FileReader::read_xdp(Component component, const YamlNode& node) {
  const YamlNode own = without(node, pace_section, [&](std::string_view key) {
    return fmt::format("{} is about departure times, which pace gives and {} does not; remove it",
                       key, component_text(component));
  });
  AttachSettings settings;
  Fields fields(document_, own, attachment_section, reading_.errors);
  fields.take("xdp", settings.mode, parse_xdp_mode);
  fields.take_flag("chain", settings.chain);
  return settings;
}

AttachSettings FileReader::read_pace(const YamlNode& node) {
  const YamlNode own = without(node, attachment_section, [](std::string_view key) {
    return fmt::format("{} is about XDP, and pace attaches to tc; remove it", key);
  });
  AttachSettings settings;
  Fields fields(document_, own, pace_section, reading_.errors);
  fields.take_flag("fq", settings.fq);
  fields.take("gso-max-segs", settings.gso_max_segs, parse_gso_max_segs);
  return settings;
}

// The mapping without the keys of `section`, which are refused.
template <typename Why>
YamlNode FileReader::without(const YamlNode& node, const FileSection& section, Why why) {
  YamlNode own = node;
  std::erase_if(own.entries, [&](const YamlEntry& entry) {
    const bool others =
        std::find(section.keys.begin(), section.keys.end(), entry.key) != section.keys.end();
    if (others) refuse(entry.mark, why(entry.key));
    return others;
  });
  return own;
}

void FileReader::read_congestion(Fields& file) {
  const YamlEntry* entry = file.entry("congestion");
  if (entry == nullptr) return;
  DesiredCongestion congestion;
  congestion.mark = entry->mark;
  const YamlNode& node = document_.at(entry->value);
  if (node.kind == YamlNode::Kind::mapping) {
    Fields fields(document_, node, congestion_section, reading_.errors);
    fields.take_flag("loaded", congestion.loaded);
    fields.take("name", congestion.name, parse_congestion);
  } else if (node.kind != YamlNode::Kind::nothing) {
    refuse(node.mark, "congestion wants no value, or a mapping, as in {name: sluice}");
  }
  reading_.desired.congestion = congestion;
}

void FileReader::read_run(Fields& file) {
  const YamlNode* node = file.find("run", YamlNode::Kind::mapping, "{}");
  if (node == nullptr) return;
  Fields fields(document_, *node, run_section, reading_.errors);
  RunOptions& run = reading_.desired.run;
  fields.take("metrics", run.metrics, [](std::string_view text) -> Result<HostPort> {
    auto at = HostPort::parse(text);
    if (at && at->port == 0)
      return misused("metrics {:?}: port 0 cannot be scraped; write a port", text);
    return at;
  });
  fields.take("settle", run.settle_s, parse_duration_s);
}

}  // namespace

FileReading read_configuration(std::string_view text) {
  return FileReader(text).read();
}

std::string file_error_text(std::string_view file, const FileError& error) {
  return fmt::format("{}:{}:{}: {}", file, error.mark.line, error.mark.column, error.text);
}

}  // namespace sluice
