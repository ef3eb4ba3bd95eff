// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One datagram there, one back: of the operator's bytes (udp), or a question of DNS. What answers
// for ever is read no further than to the first datagram that decides.
#pragma once

#include <random>

#include "daemon/checker.h"
#include "daemon/ready_set.h"

namespace sluice {

class UdpChecker : public Checker {
 public:
  explicit UdpChecker(ReadySet& ready) : ready_(ready) {}
  Begun begin(const Subject& subject, Answered answered) override;

 private:
  ReadySet& ready_;
  std::random_device random_;  // ids of DNS
};

}  // namespace sluice
