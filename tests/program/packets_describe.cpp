// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets as text, with host names, and the comparison that prints it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ostream>

#include "packets.h"

namespace sluice::packets {
namespace {

const std::array<const Host*, 10>& named_hosts() {
  static const std::array<const Host*, 10> hosts{
      &client,      &client_two,  &outsider,    &gateway,     &director,
      &service_one, &service_two, &backend_one, &backend_two, &backend_three};
  return hosts;
}

std::string name_of(const Mac& mac) {
  for (const Host* host : named_hosts()) {
    if (host->mac == mac) return host->name;
  }
  return fmt::format("{:02x}", fmt::join(mac, ":"));
}

std::string name_of(const sluice_address& address) {
  for (const Host* host : named_hosts()) {
    for (const Family family : both_families) {
      if (std::memcmp(&host->at(family), &address, sizeof(address)) == 0) {
        return fmt::format("{}.{}", host->name, family_text(family));
      }
    }
  }
  return address_text(address);
}

template <typename Field>
std::string marked_if_wrong(std::string_view what, const std::optional<Field>& field) {
  return field ? fmt::format(" {} {:#x} (wrong)", what, *field) : "";
}

std::string flags_text(uint8_t flags) {
  static constexpr std::array<std::string_view, 8> names{"FIN", "SYN", "RST", "PSH",
                                                         "ACK", "URG", "ECE", "CWR"};
  std::string out;
  for (size_t i = 0; i < names.size(); i++) {
    if ((flags >> i & 1) != 0) out += fmt::format("{}{}", out.empty() ? "" : ",", names[i]);
  }
  return out;
}

std::string hex(const Bytes& bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, " "));
}

struct Describer {
  std::string operator()(const Ethernet& ethernet) const {
    return fmt::format("ethernet {} -> {}{}", name_of(ethernet.source),
                       name_of(ethernet.destination), marked_if_wrong("type", ethernet.ethertype));
  }
  std::string operator()(const Vlan& vlan) const {
    return fmt::format("vlan {} tpid {:#x}{}", vlan.tci, vlan.tpid,
                       marked_if_wrong("type", vlan.ethertype));
  }
  std::string operator()(const Ipv4& ip) const {
    return fmt::format(
        "ipv4 {} -> {} ttl {} tos {:#x} id {:#x} fragment {:#06x}{}{}{}{}{}", name_of(ip.source),
        name_of(ip.destination), ip.ttl, ip.tos, ip.id, ip.fragment,
        ip.options.empty() ? "" : " options " + hex(ip.options),
        marked_if_wrong("version/ihl", ip.version_ihl), marked_if_wrong("length", ip.total_length),
        marked_if_wrong("protocol", ip.protocol), marked_if_wrong("checksum", ip.checksum));
  }
  std::string operator()(const Ipv6& ip) const {
    return fmt::format("ipv6 {} -> {} hop limit {} class {:#x} label {:#x}{}{}{}",
                       name_of(ip.source), name_of(ip.destination), ip.hop_limit, ip.traffic_class,
                       ip.flow_label, marked_if_wrong("version", ip.version),
                       marked_if_wrong("length", ip.payload_length),
                       marked_if_wrong("next header", ip.next_header));
  }
  std::string operator()(const Ipv6Extension& extension) const {
    return fmt::format("ipv6 extension {} {}{}{}", extension.kind, hex(extension.body),
                       marked_if_wrong("length", extension.length),
                       marked_if_wrong("next header", extension.next_header));
  }
  std::string operator()(const Tcp& tcp) const {
    return fmt::format("tcp {} -> {} [{}] seq {} ack {} window {}{}{}{}{}", tcp.source_port,
                       tcp.destination_port, flags_text(tcp.flags), tcp.seq, tcp.ack, tcp.window,
                       tcp.options.empty() ? "" : " options " + hex(tcp.options),
                       tcp.urgent == 0 ? "" : fmt::format(" urgent {}", tcp.urgent),
                       marked_if_wrong("data offset", tcp.data_offset),
                       marked_if_wrong("checksum", tcp.checksum));
  }
  std::string operator()(const Udp& udp) const {
    return fmt::format("udp {} -> {}{}{}", udp.source_port, udp.destination_port,
                       marked_if_wrong("length", udp.length),
                       marked_if_wrong("checksum", udp.checksum));
  }
  std::string operator()(const Icmp& icmp) const {
    return fmt::format("icmp type {} code {} rest {:#x}{}", icmp.type, icmp.code, icmp.rest,
                       marked_if_wrong("checksum", icmp.checksum));
  }
  std::string operator()(const Bytes& payload) const {
    return fmt::format("{} bytes: {}", payload.size(), hex(payload));
  }
};

}  // namespace

std::string describe(const Packet& packet) {
  std::string out;
  bool quotes = false;
  for (const Layer& layer : packet.layers()) {
    const auto* payload = std::get_if<Bytes>(&layer);
    if (quotes && payload != nullptr) {
      out += "quoted:\n" + describe(Packet::parse_ip(*payload));
    } else {
      out += std::visit(Describer{}, layer) + "\n";
    }
    // Only errors quote a packet: types below 128 in ICMPv6; 3, 4, 5, 11, 12 in ICMP.
    const auto* icmp = std::get_if<Icmp>(&layer);
    quotes = icmp != nullptr && icmp->type != 0 && icmp->type != 8 && icmp->type < 128;
  }
  return out;
}

std::string describe(const Frame& frame) {
  return describe(Packet::parse(frame));
}

testing::AssertionResult same_packet(const Frame& got, const Frame& expected) {
  if (got == expected) return testing::AssertionSuccess();
  const auto [here, there] = std::mismatch(got.bytes.begin(), got.bytes.end(),
                                           expected.bytes.begin(), expected.bytes.end());
  std::string where = fmt::format("at byte {}", here - got.bytes.begin());
  if (here != got.bytes.end() && there != expected.bytes.end()) {
    where += fmt::format(" ({:02x} instead of {:02x})", *here, *there);
  }
  return testing::AssertionFailure()
         << "packets differ " << where << "; got " << got.size() << " bytes\n"
         << describe(got) << "expected " << expected.size() << " bytes\n"
         << describe(expected);
}

void PrintTo(const Frame& frame, std::ostream* out) {
  *out << frame.size() << " bytes\n" << describe(frame);
}
void PrintTo(const Packet& packet, std::ostream* out) {
  *out << '\n' << describe(packet);
}
void PrintTo(Family family, std::ostream* out) {
  *out << family_text(family);
}

}  // namespace sluice::packets
