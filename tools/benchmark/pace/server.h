// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A server to measure: the programs of `pace` with maps of their own, one service with a policy in
// them, and their counters, which prove what became of the packets.
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
  // Of a service at 198.51.100.1:443 and [2001:db8:5::1]:443, with room for so many flows.
  static Result<Server> make(uint32_t flows);

  [[nodiscard]] static Endpoint endpoint(bool v6);
  // Nothing: the service has none.
  Result<void> set_policy(const std::optional<Policy>& policy);
  // What is attached at the egress of a device with fq.
  [[nodiscard]] int program() const;
  enum class Whose : uint8_t { nobody, service };
  Result<uint64_t> count(Whose whose, sluice_verdict verdict);

 private:
  std::shared_ptr<pace_bpf> skeleton_;
};

}  // namespace sluice::benchmark
