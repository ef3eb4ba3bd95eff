// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "file/write.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "model/quantity.h"

namespace sluice {

namespace {

// In double quotes if YAML could read it as another type.
std::string quoted(std::string_view text) {
  static constexpr std::string_view plain_signs = "._-/+";
  const bool plain = !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) != 0 &&
                     std::all_of(text.begin(), text.end(), [](char c) {
                       return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                              plain_signs.find(c) != std::string_view::npos;
                     });
  const bool word = text == "true" || text == "false" || text == "null" || text == "Null";
  if (plain && !word) return std::string(text);
  std::string written = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      written += '\\';
      written += c;
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      written += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      written += c;
    }
  }
  return written + '"';
}

// IPv6 with a port begins with a bracket, which YAML reads as a list.
std::string quoted_address(const std::string& text) {
  return text.starts_with('[') ? '"' + text + '"' : text;
}
std::string quoted_prefix(const std::string& text) {
  return text.find("::") != std::string::npos || text.starts_with(':') ? '"' + text + '"' : text;
}

class Writer {
 public:
  std::string write(const Desired& desired) {
    if (desired.attachments) write_devices(*desired.attachments);
    if (desired.congestion) write_congestion(*desired.congestion);
    if (!(desired.run == RunOptions{})) write_run(desired.run);
    if (desired.services) write_services(*desired.services);
    if (text_.empty()) line("{{}}");  // an empty file is refused
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    text_ += fmt::format(format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  void write_devices(const std::vector<DesiredAttachment>& attachments);
  void write_congestion(const DesiredCongestion& congestion);
  void write_run(const RunOptions& run);
  void write_services(const std::vector<DesiredService>& services);
  void write_service(const DesiredService& service);
  void write_policy(const Policy& policy);
  void write_filters(const DesiredService& service);
  void write_health(const HealthCheck& check);
  void write_expectations(const HealthCheck& check);
  void write_backends(const DesiredService& service);

  std::string text_;
};

void Writer::write_devices(const std::vector<DesiredAttachment>& attachments) {
  if (attachments.empty()) {
    line("devices: {{}}");
    return;
  }
  line("devices:");
  std::vector<std::string> devices;
  for (const auto& each : attachments)
    if (std::find(devices.begin(), devices.end(), each.device) == devices.end())
      devices.push_back(each.device);
  for (const auto& device : devices) {
    line("  {}:", quoted(device));
    for (const auto& each : attachments) {
      if (each.device != device) continue;
      std::vector<std::string> options;
      if (each.settings.mode != XdpMode::automatic)
        options.push_back(fmt::format("xdp: {}", xdp_mode_text(each.settings.mode)));
      if (each.settings.chain) options.emplace_back("chain: true");
      if (each.settings.fq) options.emplace_back("fq: true");
      if (each.settings.gso_max_segs)
        options.push_back(fmt::format("gso-max-segs: {}", *each.settings.gso_max_segs));
      line("    {}: {{{}}}", component_text(each.component), fmt::join(options, ", "));
    }
  }
}

void Writer::write_congestion(const DesiredCongestion& congestion) {
  std::vector<std::string> options;
  if (!congestion.loaded) options.emplace_back("loaded: false");
  if (!congestion.name.empty()) options.push_back("name: " + quoted(congestion.name));
  line("congestion: {{{}}}", fmt::join(options, ", "));
}

void Writer::write_run(const RunOptions& run) {
  line("run:");
  if (run.metrics) line("  metrics: {}", quoted_address(run.metrics->text()));
  if (run.settle_s != RunOptions{}.settle_s) line("  settle: {}", duration_text(run.settle_s));
}

void Writer::write_services(const std::vector<DesiredService>& services) {
  if (services.empty()) {
    line("services: {{}}");
    return;
  }
  line("services:");
  for (const auto& service : services) write_service(service);
}

void Writer::write_service(const DesiredService& each) {
  const Service& service = each.service;
  // YAML reads a name of digits as a number.
  line("  {}:", std::isalpha(static_cast<unsigned char>(service.name.front())) != 0
                    ? service.name
                    : '"' + service.name + '"');
  line("    address: {}", quoted_address(service.endpoint.text()));
  for (const ServiceOption& option : service_options())
    if (option.always_said || !is_default(option, service))
      line("    {}: {}", option.name, option.text(service));
  if (!(each.policy == Policy{})) write_policy(each.policy);
  if (!each.client_weights.empty()) line("    client-weights:");
  for (const auto& weight : each.client_weights)
    line("      {}: {}", quoted_prefix(weight.prefix.text()), weight.weight);
  write_filters(each);
  if (each.health) write_health(*each.health);
  if (each.all_down != AllDown::drop) line("    all-down: {}", all_down_text(each.all_down));
  if (each.weights != Weights::fixed) line("    weights: {}", weights_text(each.weights));
  write_backends(each);
}

void Writer::write_policy(const Policy& policy) {
  line("    policy:");
  for (const PolicyLimit& limit : policy_limits())
    if (policy.*limit.value > 0) line("      {}: {}", limit.name, limit_text(limit, policy));
}

void Writer::write_filters(const DesiredService& service) {
  for (const FilterAction action : {FilterAction::allow, FilterAction::deny}) {
    std::vector<std::string> prefixes;
    for (const auto& filter : service.filters)
      if (filter.action == action) prefixes.push_back(quoted_prefix(filter.prefix.text()));
    if (prefixes.empty()) continue;
    line("    {}:", filter_action_text(action));
    for (const auto& each : prefixes) line("      - {}", each);
  }
}

void Writer::write_health(const HealthCheck& check) {
  const HealthCheck defaults;
  line("    health:");
  line("      check: {}", check_kind_text(check.kind));
  if (check.via != defaults.via) line("      via: {}", check_via_text(check.via));
  if (check.port != 0) line("      port: {}", check.port);
  line("      interval: {}", interval_text(check.interval_ms));
  line("      timeout: {}", interval_text(check.timeout_ms));
  if (check.jitter_percent != defaults.jitter_percent)
    line("      jitter: {}%", check.jitter_percent);
  if (check.rise != defaults.rise) line("      rise: {}", check.rise);
  if (check.fall != defaults.fall) line("      fall: {}", check.fall);
  if (!check.passive) line("      passive: false");
  write_expectations(check);
}

void Writer::write_expectations(const HealthCheck& check) {
  const HealthCheck defaults;
  const auto word = [&](const char* key, const std::string& value, const std::string& usual) {
    if (value != usual) line("      {}: {}", key, quoted(value));
  };
  word("path", check.path, defaults.path);
  word("host", check.host, defaults.host);
  if (!(check.status == defaults.status)) {
    std::vector<std::string> ranges;
    for (const auto& range : check.status) ranges.push_back(status_range_text(range));
    line("      status: [{}]", fmt::join(ranges, ", "));
  }
  word("body", check.body, defaults.body);
  if (check.tls_verify) line("      tls-verify: true");
  word("query", check.query, defaults.query);
  word("type", check.type, defaults.type);
  word("answer", check.answer, defaults.answer);
  word("request", payload_text(check.request), {});
  word("response", payload_text(check.response), {});
  if (check.command.empty()) return;
  std::vector<std::string> words;
  for (const auto& each : check.command) words.push_back(quoted(each));
  line("      command: [{}]", fmt::join(words, ", "));
}

void Writer::write_backends(const DesiredService& service) {
  if (service.backends.empty()) return;
  const DesiredBackend defaults;
  line("    backends:");
  for (const auto& backend : service.backends) {
    const std::string at = quoted_address(backend.at.text());
    if (backend.weight == defaults.weight && backend.state == defaults.state) {
      line("      - {}", at);
      continue;
    }
    std::string options;
    if (backend.weight != defaults.weight) options += fmt::format(", weight: {}", backend.weight);
    if (backend.state != defaults.state)
      options += fmt::format(", state: {}", backend_state_text(backend.state));
    line("      - {{address: {}{}}}", at, options);
  }
}

}  // namespace

std::string write_configuration(const Desired& desired) {
  return Writer().write(desired);
}

}  // namespace sluice
