// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets for a program under test, sent by rounds.bpf.c.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "support/result.h"

struct rounds_bpf;

namespace sluice::benchmark {

inline constexpr uint16_t kServicePort = 443;

enum class Opening : uint8_t { no, yes };  // ACKs of a connection, or SYNs

struct Stream {
  bool v6 = false;
  uint32_t flows = 1;     // a power of two
  uint32_t first = 0;     // number of the first flow
  uint32_t services = 1;  // that the flows are spread over
  Opening opening = Opening::no;
  // Packets for no service: even flows to another address, odd ones to another port.
  bool not_ours = false;
};

// The device's index, after attaching an XDP program: test runs accept an input device only if it
// has one.
Result<uint32_t> device_with_xdp(const std::string& device);

class Traffic {
 public:
  // `ifindex`: the input device of the packets, from device_with_xdp().
  static Result<Traffic> load(uint32_t ifindex);

  [[nodiscard]] int empty_program() const;
  [[nodiscard]] int encapsulation_program() const;

  // The next packet is the stream's first flow.
  void prepare(const Stream& stream);
  Result<void> aim_at(int program);
  Result<void> send(uint32_t packets);
  // The stream's first flow plus the packets that reached the program under test since prepare().
  [[nodiscard]] uint64_t sent() const;

 private:
  std::shared_ptr<rounds_bpf> skeleton_;
  uint32_t ifindex_ = 0;
  bool v6_ = false;
};

}  // namespace sluice::benchmark
