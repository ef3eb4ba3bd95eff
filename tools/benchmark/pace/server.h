// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A server under test: the programs of `pace` with their own maps, one service with a policy, and
// the counters that verify the path of packets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "model/policy.h"
#include "model/service.h"
#include "sluice/verdict.h"
#include "support/result.h"

struct pace_bpf;

namespace sluice::benchmark {

class Server {
 public:
  // With a service at 198.51.100.1:443 and [2001:db8:5::1]:443, and room for `flows` flows.
  static Result<Server> make(uint32_t flows);

  [[nodiscard]] static Endpoint endpoint(bool v6);
  // No value: removes the policy.
  Result<void> set_policy(const std::optional<Policy>& policy);
  // The program for the egress of a device with fq.
  [[nodiscard]] int program() const;
  enum class Counters : uint8_t { no_service, service };
  Result<uint64_t> count(Counters counters, sluice_verdict verdict);

 private:
  std::shared_ptr<pace_bpf> skeleton_;
};

}  // namespace sluice::benchmark
