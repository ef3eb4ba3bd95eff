// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The programs of `pace`, loaded for one test with maps of its own, unpinned.
#pragma once

#include <cstdint>
#include <optional>

#include "packets.h"
#include "sluice/counters.h"
#include "sluice/departure.h"
#include "sluice/flow.h"
#include "sluice/instance.h"
#include "sluice/pace.h"
#include "sluice/policy.h"
#include "sluice/service.h"

struct pace_bpf;

namespace sluice::packets {

// Service 1 of these tests, its port, and the client's.
inline constexpr uint32_t web = 1;
inline constexpr uint16_t web_port = 80;
inline constexpr uint16_t client_port = 40000;
inline constexpr uint64_t rate = 1'000'000;  // bytes a second: a byte is a microsecond

enum class PaceHook { ingress, egress, egress_edt };
inline constexpr std::array<PaceHook, 3> pace_hooks{PaceHook::ingress, PaceHook::egress,
                                                    PaceHook::egress_edt};

// The metadata of a packet that `pace` reads or writes.
struct PaceMetadata {
  uint64_t tstamp = 0;
  uint32_t wire_len = 0;  // 0: the packet's own length
};

// The program's return value, the whole packet, and its metadata.
struct PaceOutcome {
  int action = 0;
  Frame frame;
  PaceMetadata metadata;
};

class PaceInstance {
 public:
  PaceInstance();  // throws std::runtime_error if the kernel refuses
  ~PaceInstance();
  PaceInstance(const PaceInstance&) = delete;
  PaceInstance& operator=(const PaceInstance&) = delete;

  void add_endpoint(const sluice_endpoint& endpoint, uint32_t service);
  void set_service(const sluice_service_config& config);
  void set_policy(uint32_t service, uint64_t flow_rate_bytes_per_sec, uint32_t window_bytes);
  void set_policy(uint32_t service, const sluice_policy& policy);
  // Weight of clients of this prefix, in a service.
  void set_weight(uint32_t service, const sluice_address& prefix, uint32_t bits, uint32_t weight);
  PaceOutcome run(PaceHook hook, const Frame& frame, PaceMetadata metadata = {});

  // Over all CPUs.
  [[nodiscard]] sluice_counter verdict(uint32_t service, sluice_verdict verdict) const;
  [[nodiscard]] uint64_t verdicts_of_all_services() const;
  [[nodiscard]] std::optional<sluice_paced_flow> flow(const sluice_flow& key) const;
  void set_flow(const sluice_flow& key, const sluice_paced_flow& flow);
  // When the flow's next packet may leave; nullopt for a flow without a slot.
  [[nodiscard]] std::optional<sluice_departure> departure(const sluice_flow& key) const;
  // Sets when the next packet of a flow with a slot may leave.
  void set_departs(const sluice_flow& key, uint64_t departs_ns);
  [[nodiscard]] std::optional<sluice_departure_name> departure_name(const sluice_flow& key) const;
  [[nodiscard]] std::optional<sluice_share> share(uint32_t service) const;

 private:
  // Index of its slot in the table.
  [[nodiscard]] std::optional<uint32_t> slot(const sluice_flow& key) const;
  [[nodiscard]] sluice_departure_line line(uint32_t number) const;

  pace_bpf* skeleton_ = nullptr;
};

// The key of a flow in `paced_flows`.
sluice_flow flow_key(const Host& from, const Host& to, Family family, uint16_t source_port,
                     uint16_t destination_port, uint8_t l4_proto);

}  // namespace sluice::packets
