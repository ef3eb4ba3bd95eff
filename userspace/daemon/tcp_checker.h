// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Whether the port is listening. A check takes three packets: SYN, SYN-ACK, and a RST in place of
// the last ACK, as in HAProxy. So the server's program never sees the connection, and neither side
// keeps a TIME-WAIT.
#pragma once

#include "daemon/checker.h"
#include "daemon/ready_set.h"

namespace sluice {

class TcpChecker : public Checker {
 public:
  explicit TcpChecker(ReadySet& ready) : ready_(ready) {}
  StartedCheck begin(const Subject& subject, OnResult on_result) override;

 private:
  ReadySet& ready_;
};

}  // namespace sluice
