// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "network.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace sluice::stage {
namespace {

void run_ip(const std::string& lines) {
  FILE* ip = popen("ip -batch -", "w");
  if (ip == nullptr) throw std::runtime_error("stage: ip: cannot be started");
  fwrite(lines.data(), 1, lines.size(), ip);
  if (pclose(ip) != 0) throw std::runtime_error("stage: ip refused one of:\n" + lines);
}

void write_setting(const std::string& path, const std::string& value) {
  std::ofstream file(path);
  file << value;
  if (!file.flush()) throw std::runtime_error("stage: " + path + ": cannot be written");
}

std::string mac_text(const Host& host) {
  return fmt::format("{:02x}", fmt::join(host.mac, ":"));
}

std::string leg(const std::string& device, const Host& host) {
  return fmt::format(
      "link add {0} address {1} type veth peer name {0}_far\n"
      "link set {0} addrgenmode none\n"
      "link set {0}_far addrgenmode none\n"
      "link set {0}_far up\n"
      "link set {0} up\n"
      "address add {2}/24 dev {0}\n"
      "address add {3}/64 dev {0} nodad\n",
      device, mac_text(host), packets::address_text(host.v4), packets::address_text(host.v6));
}

std::string neighbour(const std::string& device, const Host& host) {
  std::string lines;
  for (const packets::Family family : packets::both_families) {
    lines += fmt::format("neigh replace {} lladdr {} dev {} nud permanent\n",
                         packets::address_text(host.at(family)), mac_text(host), device);
  }
  return lines;
}

}  // namespace

void build_network() {
  run_ip(leg("front", director_front) + leg("back", packets::director) +
         neighbour("front", packets::gateway) + neighbour("back", packets::backend_one) +
         neighbour("back", packets::backend_two) +
         fmt::format(
             "route add default via {}\n"
             "route add default via {}\n"
             "route add unreachable {}/32\n"
             "route add unreachable {}/128\n",
             packets::address_text(packets::gateway.v4), packets::address_text(packets::gateway.v6),
             packets::address_text(backend_lost.v4), packets::address_text(backend_lost.v6)));
  write_setting("/proc/sys/net/ipv4/conf/all/forwarding", "1");
  write_setting("/proc/sys/net/ipv6/conf/all/forwarding", "1");
}

Setting::Setting(const std::string& name, const std::string& value) : path_("/proc/sys/" + name) {
  std::ifstream(path_) >> before_;
  write_setting(path_, value);
}

Setting::~Setting() {
  std::ofstream(path_) << before_;
}

Mtu::Mtu(size_t bytes, const std::vector<std::string>& devices) {
  for (const std::string& device : devices)
    run_ip(fmt::format("link set {} mtu {}\n", device, bytes));
}

Mtu::~Mtu() {
  run_ip(fmt::format("link set front mtu {0}\nlink set back mtu {0}\n", kMtu));
}

GatewayUnknown::GatewayUnknown() {
  for (const packets::Family family : packets::both_families)
    run_ip(fmt::format("neigh del {} dev front\n",
                       packets::address_text(packets::gateway.at(family))));
}

GatewayUnknown::~GatewayUnknown() {
  run_ip(neighbour("front", packets::gateway));
}

}  // namespace sluice::stage
