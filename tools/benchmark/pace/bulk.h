// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Connections of a service that always has more to send: sockets at both ends, driven by one
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "model/address.h"
#include "support/result.h"

namespace sluice::benchmark {

struct BulkPlan {
  HostPort server;  // in the present namespace
  std::string client_netns;
  std::vector<Address> clients;  // flows take turns
  uint32_t flows = 1;
  // Each sender's packets go to a class of their own of the qdisc 1:, from 1:1 on.
  bool classes = false;
};

// What TCP itself says at the sender's end, over all flows.
struct BulkState {
  uint32_t rtt_us = 0;      // median of the smoothed
  uint32_t min_rtt_us = 0;  // median of the least
  uint64_t retransmits = 0;
};

class Bulk {
 public:
  // Connects all of them.
  static Result<Bulk> open(const BulkPlan& plan);

  // Sends and receives for so long.
  Result<void> run(uint64_t ns);
  [[nodiscard]] Result<BulkState> state() const;
  // Of a flow, as struct arrival names it.
  [[nodiscard]] const std::vector<uint32_t>& flows() const { return names_; }

 private:
  Result<void> connect_all(const BulkPlan& plan);
  Result<void> watch(const Fd& socket, uint32_t events);

  Fd poll_;
  std::vector<Fd> senders_;
  std::vector<Fd> receivers_;
  std::vector<uint32_t> names_;
  std::vector<char> zeros_;
};

}  // namespace sluice::benchmark
