// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The health check of a service's backends, one for all of them, named as in the configuration
// file. Pure data and its spelling; userspace/daemon runs the checks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace sluice {

enum class CheckKind : uint8_t { tcp, http, https, dns, udp, script };
// service: on the path of a client's packet, encapsulated to the service's address, if the mode
// allows it. backend: straight to the backend's own address.
enum class CheckVia : uint8_t { service, backend };
// A service without a healthy backend drops its packets, or keeps the last set of backends.
enum class AllDown : uint8_t { drop, keep };
// fixed: as configured. advise: computed from measurements and shown. adapt: computed and set.
enum class Weights : uint8_t { fixed, advise, adapt };

// HTTP status codes that count as success, both ends included.
struct StatusRange {
  uint16_t first = 200;
  uint16_t last = 299;

  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

struct HealthCheck {
  CheckKind kind = CheckKind::tcp;
  CheckVia via = CheckVia::service;
  uint16_t port = 0;  // 0: the backend's own
  uint32_t interval_ms = 2000;
  uint32_t timeout_ms = 1000;
  uint32_t jitter_percent = 10;  // of the interval: each round is moved by up to that, at random
  uint32_t rise = 2;             // successes in a row until the backend is up
  uint32_t fall = 3;             // failures in a row until it is down
  bool passive = true;           // resets and unanswered SYNs of real traffic count too

  // http, https
  std::string path = "/";
  std::string host{};  // Host header and SNI; empty: the service's address
  std::vector<StatusRange> status{{}};
  std::string body{};       // text that the answer contains; empty: any
  bool tls_verify = false;  // https: the certificate against the system's authorities

  // dns
  std::string query{};     // the name in the query
  std::string type = "A";  // A, AAAA, CNAME, MX, NS, SOA, SRV or TXT
  std::string answer{};    // the value of one record; empty: any answer without an error

  // udp: bytes. Response: how the answer begins; empty: any datagram
  std::string request{};
  std::string response{};

  // script: the program and its arguments; exit status 0: the backend is healthy
  std::vector<std::string> command{};

  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

Result<CheckKind> parse_check_kind(std::string_view text);
Result<CheckVia> parse_check_via(std::string_view text);
Result<AllDown> parse_all_down(std::string_view text);
Result<Weights> parse_weights(std::string_view text);
Result<StatusRange> parse_status_range(std::string_view text);  // "200", "200-299"
Result<std::string> parse_record_type(std::string_view text);   // of DNS
// A DNS name of at most 253 characters, its labels of 1 to 63 of letters, digits, '-' and '_'.
Result<std::string> parse_dns_name(std::string_view text);
// Text, or "hex:00ff..." for other bytes. At most 512 bytes.
Result<std::string> parse_payload(std::string_view text);
Result<uint16_t> parse_port(std::string_view text);  // 1 to 65535
// `what`, a decimal number from `min` to `max`.
Result<uint32_t> parse_number(std::string_view what, std::string_view text, uint32_t min,
                              uint32_t max);

[[nodiscard]] std::string_view check_kind_text(CheckKind kind);
[[nodiscard]] std::string_view check_via_text(CheckVia via);
[[nodiscard]] std::string_view all_down_text(AllDown all_down);
[[nodiscard]] std::string_view weights_text(Weights weights);
[[nodiscard]] std::string status_range_text(const StatusRange& range);
[[nodiscard]] std::string payload_text(std::string_view bytes);

}  // namespace sluice
