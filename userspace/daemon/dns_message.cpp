// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/dns_message.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sluice {

namespace {

constexpr std::array<std::pair<std::string_view, ns_type>, 8> kTypes = {{{"A", ns_t_a},
                                                                         {"AAAA", ns_t_aaaa},
                                                                         {"CNAME", ns_t_cname},
                                                                         {"MX", ns_t_mx},
                                                                         {"NS", ns_t_ns},
                                                                         {"SOA", ns_t_soa},
                                                                         {"SRV", ns_t_srv},
                                                                         {"TXT", ns_t_txt}}};

ns_type type_of(const HealthCheck& check) {
  for (const auto& [name, type] : kTypes) {
    if (name == check.type) return type;
  }
  return ns_t_a;
}

std::string rcode_text(int rcode) {
  constexpr std::array<std::string_view, 6> names = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                     "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (rcode >= 0 && static_cast<size_t>(rcode) < names.size())
    return std::string(names[static_cast<size_t>(rcode)]);
  return fmt::format("RCODE {}", rcode);
}

// The record's data as text: an address, a name or a string. Empty: a type that is not compared.
std::string data_text(const ns_msg& message, const ns_rr& record) {
  const uint8_t* data = ns_rr_rdata(record);
  const size_t bytes = ns_rr_rdlen(record);
  char text[NS_MAXDNAME] = {};
  size_t skipped = 0;  // bytes of numbers before the name
  switch (ns_rr_type(record)) {
    case ns_t_a:
      if (bytes == NS_INADDRSZ) inet_ntop(AF_INET, data, text, sizeof(text));
      return text;
    case ns_t_aaaa:
      if (bytes == NS_IN6ADDRSZ) inet_ntop(AF_INET6, data, text, sizeof(text));
      return text;
    case ns_t_txt:
      if (bytes == 0 || size_t{data[0]} + 1 > bytes) return {};
      return {reinterpret_cast<const char*>(data + 1), data[0]};
    case ns_t_mx:
      skipped = 2;
      break;
    case ns_t_srv:
      skipped = 6;
      break;
    default:
      break;
  }
  if (bytes <= skipped || ns_name_uncompress(ns_msg_base(message), ns_msg_end(message),
                                             data + skipped, text, sizeof(text)) < 0)
    return {};
  return text;
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.ends_with('.')) a.remove_suffix(1);
  if (b.ends_with('.')) b.remove_suffix(1);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char left, char right) { return tolower(left) == tolower(right); });
}

}  // namespace

Result<std::string> dns_question(const HealthCheck& check, uint16_t id) {
  std::array<uint8_t, NS_PACKETSZ> buffer{};
  struct __res_state state {};
  const int bytes =
      res_nmkquery(&state, ns_o_query, check.query.c_str(), ns_c_in, type_of(check), nullptr, 0,
                   nullptr, buffer.data(), static_cast<int>(buffer.size()));
  if (bytes < NS_HFIXEDSZ) return failed("name {}: is not a DNS name", check.query);
  buffer[0] = static_cast<uint8_t>(id >> 8);
  buffer[1] = static_cast<uint8_t>(id & 0xff);
  buffer[2] |= 1;  // recursion desired (RFC 1035, 4.1.1)
  return std::string(reinterpret_cast<const char*>(buffer.data()), static_cast<size_t>(bytes));
}

DnsVerdict dns_judge(const HealthCheck& check, uint16_t id, std::string_view message) {
  ns_msg parsed{};
  const auto* bytes = reinterpret_cast<const uint8_t*>(message.data());
  if (message.size() < NS_HFIXEDSZ || ns_get16(bytes) != id) return {.stray = true};
  if (ns_initparse(bytes, static_cast<int>(message.size()), &parsed) != 0)
    return {.why = "the response is not a DNS message"};
  if (ns_msg_getflag(parsed, ns_f_qr) == 0) return {.stray = true};
  const int rcode = ns_msg_getflag(parsed, ns_f_rcode);
  if (rcode != ns_r_noerror) return {.why = rcode_text(rcode)};
  if (check.answer.empty()) return {};
  std::string seen;
  for (int i = 0; i < ns_msg_count(parsed, ns_s_an); i++) {
    ns_rr record{};
    if (ns_parserr(&parsed, ns_s_an, i, &record) != 0) break;
    const std::string text = data_text(parsed, record);
    if (same_name(text, check.answer)) return {};
    if (seen.empty()) seen = text;
  }
  if (seen.empty()) return {.why = fmt::format("no record; expected {}", check.answer)};
  return {.why = fmt::format("{}; expected {}", seen, check.answer)};
}

}  // namespace sluice
