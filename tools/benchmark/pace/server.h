// A server to measure: an instance of its own with one service and its policy, laid out as the
// control plane lays it out, and its counters, which prove what became of the packets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernel/dataplane.h"
#include "kernel/fd.h"
#include "support/result.h"

namespace sluice::benchmark {

inline constexpr uint16_t kPacedPort = 443;

class Server {
 public:
  // Of a service at 198.51.100.1 or 2001:db8:5::1, with room for so many flows.
  static Result<std::unique_ptr<Server>> make(bool v6, uint32_t flows);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Result<void> set_policy(const Policy& policy);
  // What is attached at the egress of a device with fq.
  [[nodiscard]] int program() const { return program_.get(); }
  enum class Whose : uint8_t { nobody, service };
  Result<uint64_t> count(Whose whose, sluice_verdict verdict);
  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }

 private:
  Server() = default;
  Result<void> load(uint32_t flows);

  std::string directory_;
  Endpoint endpoint_;
  std::unique_ptr<KernelDataplane> dataplane_;
  Fd program_;
};

}  // namespace sluice::benchmark
