// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "model/service_options.h"

#include <array>

#include "model/decimal.h"
#include "model/quantity.h"

namespace sluice {

namespace {

template <auto Member, auto Parse>
Result<void> parse_into(std::string_view text, Service& service) {
  service.*Member = TRY(Parse(text));
  return {};
}

template <auto Member, auto Text>
std::string text_of(const Service& service) {
  return std::string(Text(service.*Member));
}

Result<bool> parse_flag(std::string_view text) {
  if (text == "true" || text == "false") return text == "true";
  return misused("{:?} is neither true nor false", text);
}
std::string_view flag_text(bool on) {
  return on ? "true" : "false";
}

std::string unmet_by_mode(const Service& service) {
  if (!traits(service.mode).replies_by_source() || !service.endpoint.is_prefix()) return {};
  return fmt::format(
      "{} keeps no state, so a reply could not tell which address of {} it is from; use mode snat, "
      "or one address",
      mode_text(service.mode), service.endpoint.prefix().text());
}
std::string unmet_by_gue_variant(const Service& service) {
  if (traits(service.mode).encapsulation == Encapsulation::gue) return {};
  return fmt::format("is for mode gue, and the mode is {}; take gue-variant away, or use mode gue",
                     mode_text(service.mode));
}
std::string unmet_by_quic(const Service& service) {
  if (service.endpoint.l4_proto == L4Proto::udp) return {};
  return fmt::format("runs over UDP, and {} is TCP", service.endpoint.text());
}

// A number below SLUICE_MSS_MIN stands for a word.
std::string mss_word(const Service& service) {
  if (service.mss == 0) return "none";
  return service.mss == SLUICE_MSS_AUTO ? "auto" : "";
}
std::string mss_text(const Service& service) {
  const std::string word = mss_word(service);
  return word.empty() ? number_text(service.mss) : word;
}
Result<void> parse_mss(std::string_view text, Service& service) {
  const auto number = parse_decimal(text, SLUICE_MSS_MAX);
  if (text == "none" || text == "auto") {
    service.mss = text == "auto" ? SLUICE_MSS_AUTO : 0;
  } else if (number && *number >= SLUICE_MSS_MIN) {
    service.mss = static_cast<uint16_t>(*number);
  } else {
    return misused("MSS {:?}: not a whole number of bytes from {} to {}; or write auto or none",
                   text, SLUICE_MSS_MIN, SLUICE_MSS_MAX);
  }
  return {};
}
std::string unmet_by_mss(const Service& service) {
  if (service.endpoint.l4_proto == L4Proto::tcp) return {};
  return fmt::format("is an option of TCP, and {} is UDP", service.endpoint.text());
}

constexpr std::string_view time_schema =
    R"({"type": ["string", "number"], "pattern": "^[0-9]+(?:\\.[0-9]+)?(?:s|m|min|h|d)?$"})";

constexpr auto kOptions = std::to_array<ServiceOption>({
    {.name = "mode",
     .words = "mode",
     .field = "mode",
     .kind = "MODE",
     .help = "how packets reach a backend: snat, nat, ipip, gue or l2",
     .schema = R"({"enum": ["snat", "nat", "ipip", "gue", "l2"]})",
     .always_said = true,
     .live = false,
     .member = &Service::mode,
     .parse = parse_into<&Service::mode, parse_mode>,
     .text = text_of<&Service::mode, mode_text>,
     .unmet = unmet_by_mode},
    {.name = "gue-variant",
     .words = "GUE variant",
     .field = "gue_variant",
     .kind = "N",
     .help = "0 or 1, in mode gue: variant 1 has no GUE header",
     .schema = R"({"enum": [0, 1]})",
     .always_said = false,
     .live = false,
     .member = &Service::gue_variant,
     .parse = parse_into<&Service::gue_variant, parse_gue_variant>,
     .text = text_of<&Service::gue_variant, number_text>,
     .unmet = unmet_by_gue_variant},
    {.name = "affinity",
     .words = "affinity",
     .field = "affinity",
     .kind = "WHAT",
     .help = "what picks the backend: flow, client (one backend in all services of the same "
             "servers) or client-service",
     .schema = R"({"enum": ["flow", "client", "client-service"]})",
     .always_said = false,
     .live = false,
     .flag = SLUICE_SERVICE_AFFINE,
     .member = &Service::affinity,
     .parse = parse_into<&Service::affinity, parse_affinity>,
     .text = text_of<&Service::affinity, affinity_text>},
    {.name = "quic",
     .words = "QUIC",
     .field = "quic",
     .kind = "",
     .help = "UDP only: connection ids name the backend",
     .schema = R"({"type": "boolean"})",
     .always_said = false,
     .live = false,
     .flag = SLUICE_SERVICE_QUIC,
     .member = &Service::quic,
     .parse = parse_into<&Service::quic, parse_flag>,
     .text = text_of<&Service::quic, flag_text>,
     .unmet = unmet_by_quic},
    {.name = "mss",
     .words = "MSS",
     .field = "mss",
     .kind = "N",
     .help =
         "TCP only: the most that a SYN or SYN-ACK may announce as its MSS, in bytes; auto: what "
         "fits the path to the backend; none: as they are",
     .schema = R"({"anyOf": [{"type": "integer", "minimum": 88, "maximum": 65495}, )"
               R"({"enum": ["auto", "none"]}]})",
     .always_said = false,
     .live = true,
     .flag = SLUICE_SERVICE_MSS,
     .member = &Service::mss,
     .parse = parse_mss,
     .text = mss_text,
     .unmet = unmet_by_mss,
     .word = mss_word},
    {.name = "idle-timeout",
     .words = "idle time-out",
     .field = "idle_timeout_s",
     .kind = "TIME",
     .help = "silence after which a TCP connection may be purged, as in 15m",
     .schema = time_schema,
     .always_said = false,
     .live = true,
     .member = &Service::idle_timeout_s,
     .parse = parse_into<&Service::idle_timeout_s, parse_duration_s>,
     .text = text_of<&Service::idle_timeout_s, duration_text>},
    {.name = "udp-timeout",
     .words = "UDP time-out",
     .field = "udp_timeout_s",
     .kind = "TIME",
     .help = "silence after which a UDP flow begins anew, as in 60s",
     .schema = time_schema,
     .always_said = false,
     .live = true,
     .member = &Service::udp_timeout_s,
     .parse = parse_into<&Service::udp_timeout_s, parse_duration_s>,
     .text = text_of<&Service::udp_timeout_s, duration_text>},
});

void copy(const ServiceOption& option, const Service& from, Service& to) {
  std::visit([&](auto member) { to.*member = from.*member; }, option.member);
}

bool same(const ServiceOption& option, const Service& a, const Service& b) {
  return std::visit([&](auto member) { return a.*member == b.*member; }, option.member);
}

bool names(const ServicePatch& patch, const ServiceOption& option) {
  return std::any_of(patch.begin(), patch.end(),
                     [&](const ServiceSetting& setting) { return setting.is_of(option); });
}

bool is_off(const ServiceOption& option, const Service& service) {
  return option.is_flag() && is_default(option, service);
}

}  // namespace

std::span<const ServiceOption> service_options() {
  return kOptions;
}

Result<ServiceSetting> parse_setting(const ServiceOption& option, std::string_view text) {
  Service parsed;
  TRY(option.parse(text, parsed));
  return std::visit([&](auto member) { return ServiceSetting(member, parsed.*member); },
                    option.member);
}

Result<Service> patched(Service service, const ServicePatch& patch) {
  for (const ServiceSetting& setting : patch) setting.put(service);
  for (const ServiceOption& option : kOptions) {
    if (names(patch, option)) {
      TRY(check_option(option, service));
    } else if (!applies(option, service)) {
      copy(option, Service{}, service);
    }
  }
  return service;
}

bool is_default(const ServiceOption& option, const Service& service) {
  return same(option, service, Service{});
}

bool applies(const ServiceOption& option, const Service& service) {
  return option.unmet == nullptr || option.unmet(service).empty();
}

Result<void> check_option(const ServiceOption& option, const Service& service) {
  if (is_off(option, service) || applies(option, service)) return {};
  return misused("service {}: {} {}", service.name, option.words, option.unmet(service));
}

OptionValue option_value(const ServiceOption& option, const Service& service) {
  if (!option.is_flag() && !applies(option, service)) return std::monostate{};
  return std::visit(
      [&](auto member) -> OptionValue {
        using Value = std::decay_t<decltype(service.*member)>;
        if constexpr (std::is_enum_v<Value>) {
          return option.text(service);
        } else if constexpr (std::is_same_v<Value, bool>) {
          return service.*member;
        } else {
          if (option.word != nullptr)
            if (std::string word = option.word(service); !word.empty()) return word;
          return uint64_t{service.*member};
        }
      },
      option.member);
}

namespace {

std::string options_text(const Service& service, bool (*said)(const ServiceOption&)) {
  std::string text;
  for (const ServiceOption& option : kOptions) {
    if (!said(option) && is_default(option, service)) continue;
    if (!text.empty()) text += ", ";
    text += option.words;
    if (!option.is_flag()) text += " " + option.text(service);
  }
  return text;
}

}  // namespace

std::string service_options_text(const Service& service) {
  return options_text(service, [](const ServiceOption& option) { return option.always_said; });
}

std::string changed_options_text(const Service& service) {
  return options_text(service, [](const ServiceOption&) { return false; });
}

std::string settings_text(const Service& from, const Service& to) {
  std::string text;
  for (const ServiceOption& option : kOptions) {
    if (same(option, from, to)) continue;
    // What falls back to its default does so without being named.
    if (!option.is_flag() && !applies(option, to)) continue;
    if (!option.is_flag()) {
      text += fmt::format(" --{} {}", option.name, option.text(to));
    } else {
      text += fmt::format(" --{}{}", is_off(option, to) ? "no-" : "", option.name);
    }
  }
  return text;
}

bool same_but_live(const Service& a, const Service& b) {
  Service likened = a;
  for (const ServiceOption& option : kOptions)
    if (option.live) copy(option, b, likened);
  return likened == b;
}

}  // namespace sluice
