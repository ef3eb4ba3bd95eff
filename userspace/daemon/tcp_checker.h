// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Is somebody listening? SYN, SYN-ACK, and a RST in place of the last ACK (as HAProxy does it): the
// server's program never sees the connection, neither side keeps a TIME-WAIT, and a check takes
// three packets.
#pragma once

#include "daemon/checker.h"
#include "daemon/ready_set.h"

namespace sluice {

class TcpChecker : public Checker {
 public:
  explicit TcpChecker(ReadySet& ready) : ready_(ready) {}
  Begun begin(const Subject& subject, Answered answered) override;

 private:
  ReadySet& ready_;
};

}  // namespace sluice
