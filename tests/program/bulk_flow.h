// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A TCP connection over the loopback of a private network namespace. One end sends as fast as the
// congestion control allows; the other reads, and drops packets on request.
#pragma once

#include <linux/tcp.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "kernel/system/fd.h"
#include "sluice/flow.h"

namespace sluice::bulk {

// Moves the calling thread into a fresh network namespace with its loopback up, packets of 1500.
// Empty: done; otherwise the reason.
std::string enter_fresh_namespace();

// Sets the sysctl tcp_ecn of the calling thread's network namespace. Empty: done, else the reason.
std::string ask_for_ecn(int value);

// Marks one in so many ECN-capable packets on the namespace's loopback until the namespace is
// removed. Empty: done; otherwise the reason.
std::string mark_one_in(uint32_t packets);

enum class Family { v4, v6, v4_mapped };  // v4_mapped: an IPv6 socket, reached over IPv4

enum class Loss { none, some, all };

class BulkFlow {
 public:
  // The sender's end is the server's, on `port`. Throws std::runtime_error.
  BulkFlow(const std::string& congestion, Family family, uint16_t port);
  BulkFlow(const BulkFlow&) = delete;
  BulkFlow& operator=(const BulkFlow&) = delete;
  ~BulkFlow();

  void send_without_end();
  void send_one_byte();
  void pace(uint64_t payload_bytes_per_sec);  // by SO_MAX_PACING_RATE
  void lose(Loss loss);                       // at the receiver
  void close();

  [[nodiscard]] sluice_flow name() const;        // the tuple of its client's packets
  [[nodiscard]] sluice_endpoint server() const;  // the sender's end
  [[nodiscard]] tcp_info info() const;           // of the sender
  [[nodiscard]] uint64_t wire_bytes() const;     // sent so far, with IP and TCP headers
  [[nodiscard]] uint64_t received() const { return received_; }

 private:
  Fd sender_;
  Fd receiver_;
  Family family_;
  std::atomic<uint64_t> received_ = 0;
  std::thread reading_;
  std::thread sending_;
};

}  // namespace sluice::bulk
