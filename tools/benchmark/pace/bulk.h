// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Connections of a service that sends without end: sockets at both ends, driven by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/system/fd.h"
#include "model/address.h"
#include "support/result.h"

namespace sluice::benchmark {

struct BulkPlan {
  HostPort server;  // in the thread's namespace
  std::string client_netns;
  std::vector<Address> clients;  // assigned to flows in turn
  uint32_t flows = 1;
  // Each sender's packets have their own class of the qdisc 1:, from 1:1 on.
  bool classes = false;
};

// TCP_INFO of the senders, over all flows.
struct BulkState {
  uint32_t rtt_us = 0;      // median of the smoothed round trips
  uint32_t min_rtt_us = 0;  // median of the minimum round trips
  uint64_t retransmits = 0;
};

class Bulk {
 public:
  // Connects all flows.
  static Result<Bulk> open(const BulkPlan& plan);

  // Sends and receives for this time.
  Result<void> run(uint64_t ns);
  [[nodiscard]] Result<BulkState> state() const;
  // The flows' names, as in struct arrival.
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
