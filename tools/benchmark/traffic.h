// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Packets for a program under test: rounds.bpf.c, loaded, told which flows to send and to whom.
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
  uint32_t first = 0;     // the flow that is sent first
  uint32_t services = 1;  // flows are spread over them
  Opening opening = Opening::no;
  // Even flows to an address that is no service, odd ones to a port of one that is none.
  bool strangers = false;
};

// A device's index, with an XDP program on it: test runs take a device of the caller's choice only
// where there is one.
Result<uint32_t> device_with_xdp(const std::string& device);

class Traffic {
 public:
  // Packets come from the device (device_with_xdp()).
  static Result<Traffic> load(uint32_t ifindex);

  [[nodiscard]] int empty_program() const;
  [[nodiscard]] int encapsulation_program() const;

  // From the stream's first flow on.
  void prepare(const Stream& stream);
  Result<void> aim_at(int program);
  Result<void> send(uint32_t packets);
  // Packets that reached the program under test since prepare(), and the number of the first flow.
  [[nodiscard]] uint64_t sent() const;

 private:
  std::shared_ptr<rounds_bpf> skeleton_;
  uint32_t ifindex_ = 0;
  bool v6_ = false;
};

}  // namespace sluice::benchmark
