// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends one datagram, the operator's bytes (udp) or a DNS query, and reads the response. A DNS
// message that is not a response to the query is ignored.
#pragma once

#include <random>

#include "daemon/checker.h"
#include "daemon/ready_set.h"

namespace sluice {

class UdpChecker : public Checker {
 public:
  explicit UdpChecker(ReadySet& ready) : ready_(ready) {}
  StartedCheck begin(const Subject& subject, OnResult on_result) override;

 private:
  ReadySet& ready_;
  std::random_device random_;  // DNS ids, which must be hard to guess
};

}  // namespace sluice
