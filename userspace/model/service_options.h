// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The options of a service, one row each. The command line, the configuration file and its schema,
// JSON, sentences and checks are derived from the table: a new option is a member of struct Service
// and a row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "model/service.h"
#include "support/result.h"

namespace sluice {

// A bool is a flag: --quic and --no-quic, true and false in a file.
using ServiceMember = std::variant<Mode Service::*, Affinity Service::*, bool Service::*,
                                   uint8_t Service::*, uint16_t Service::*, uint32_t Service::*>;

struct ServiceOption {
  std::string_view name;    // "idle-timeout": the option without its dashes, the key in a file
  std::string_view words;   // "idle time-out": in a sentence
  std::string_view field;   // "idle_timeout_s": in JSON
  std::string_view kind;    // "TIME": what the value is, in a help page; empty for a flag
  std::string_view help;    // its default is added where it matters
  std::string_view schema;  // what the file's schema says of the value, in JSON
  bool always_said;         // in sentences and files also where it is the default
  bool live;                // may change while the service has backends
  uint32_t flag = 0;        // enum sluice_service_flag, of a service where it is not the default
  ServiceMember member;
  Result<void> (*parse)(std::string_view text, Service& service);
  std::string (*text)(const Service& service);  // parse(text(x)) leaves x as it is
  // What of the service does not go with the option, as the end of a sentence that begins with its
  // words; empty if all is well. Null: goes with everything.
  std::string (*unmet)(const Service& service) = nullptr;
  // A value that JSON spells as a word instead of a number; empty: it is a number.
  std::string (*word)(const Service& service) = nullptr;

  [[nodiscard]] bool is_flag() const { return std::holds_alternative<bool Service::*>(member); }
};

// All of them, in the order in which everything lists them.
[[nodiscard]] std::span<const ServiceOption> service_options();

// An option that is set: by its member, so that a patch needs no member of its own for an option.
class ServiceSetting {
 public:
  template <typename Value, typename Owner>
  ServiceSetting(Value Owner::*member, std::type_identity_t<Value> value)
      : member_(static_cast<Value Service::*>(member)),
        put_([member, value](Service& service) { service.*member = value; }) {}

  [[nodiscard]] bool is_of(const ServiceOption& option) const { return member_ == option.member; }
  void put(Service& service) const { put_(service); }

 private:
  ServiceMember member_;
  std::function<void(Service&)> put_;
};

// {{&Service::mode, Mode::ipip}, {&Service::quic, true}}: what is to be set. The rest stays.
using ServicePatch = std::vector<ServiceSetting>;

// "15m" as this option has it.
Result<ServiceSetting> parse_setting(const ServiceOption& option, std::string_view text);

// The service as the patch makes it. An option that the patch does not name and that no longer
// goes with the others falls back to its default; one that it names is refused.
Result<Service> patched(Service service, const ServicePatch& patch);

[[nodiscard]] bool is_default(const ServiceOption& option, const Service& service);
// Does the option have a meaning for this service? QUIC needs UDP, a GUE variant needs mode gue.
[[nodiscard]] bool applies(const ServiceOption& option, const Service& service);
// Refuses what does not go together, of an option that was set. A flag that is off goes with all.
Result<void> check_option(const ServiceOption& option, const Service& service);

// For JSON: text, a number or a flag; nothing if the option does not apply.
using OptionValue = std::variant<std::monostate, bool, uint64_t, std::string>;
[[nodiscard]] OptionValue option_value(const ServiceOption& option, const Service& service);

// "mode gue, GUE variant 0, QUIC": all that is not the default, and the mode.
[[nodiscard]] std::string service_options_text(const Service& service);
// The same without the mode where it is the default; empty: all are defaults.
[[nodiscard]] std::string changed_options_text(const Service& service);
// " --mode ipip --affinity client": what turns `from` into `to`; empty: nothing.
[[nodiscard]] std::string settings_text(const Service& from, const Service& to);
// Equal but for options that may change while the service has backends?
[[nodiscard]] bool same_but_live(const Service& a, const Service& b);

}  // namespace sluice
