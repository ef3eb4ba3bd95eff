// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The environment of the program tests: a director's network in its own namespace, an instance's
// maps and programs in its own bpffs, and BPF_PROG_TEST_RUN: one packet in, one packet out. Both
// namespaces vanish with the process, also when it is killed.
//
//   client ... gateway --- front [director] back --- backend_one, backend_two
//                                                    backend_three (its MAC is unknown)
//
// The code that serves operators loads and fills everything (kernel/state/objects.h,
// kernel/state/kernel_dataplane.h). expectations.h builds the expected packets.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/configuration.h"
#include "kernel/state/kernel_dataplane.h"
#include "kernel/state/latencies.h"
#include "kernel/system/fd.h"
#include "kernel/system/map.h"
#include "model/ring.h"
#include "model/service.h"
#include "network.h"
#include "packets.h"
#include "sluice/instance.h"
#include "sluice/latency.h"
#include "sluice/pace.h"

namespace sluice::stage {

using packets::Family;
using packets::Frame;
using packets::Host;

// Only its MAC counts: the source MAC by which `punt` recognises packets that steer punted.
inline const Host punt_sent{"punt_sent", 24, "0.0.0.0", "::"};

enum class Device { front, back };

// Of a ring, where a test sets it.
inline constexpr size_t kSlots = 256;

struct Outcome {
  int action = -1;  // XDP_* or TC_ACT_*
  Frame frame;
};

// Packets per verdict name, as `sluice status` shows them; zero counts are left out.
using Verdicts = std::map<std::string, uint64_t>;

using Tracked = Map<sluice_flow, sluice_tracked_flow>;
using Translations = Map<sluice_flow, sluice_translation>;
using Fragments = Map<sluice_fragment_key, sluice_fragment>;
using PacedFlows = Map<sluice_flow, sluice_paced_flow>;
using Requests = Map<sluice_flow, sluice_request>;
using Admissions = Map<uint32_t, sluice_admission>;

// A service with default options; set others before add_service().
Service service_at(Family family, const Host& host, uint16_t port, L4Proto l4_proto, Mode mode);

class Stage {
 public:
  // Made once per process; every call enters its network namespace.
  static Stage& get();
  // Removes all services, backends, tracked flows and counts.
  void clear();

  // Numbers are assigned in order, from 1.
  Service add_service(Family family, const Host& host, uint16_t port, L4Proto l4_proto, Mode mode,
                      bool paced = false);
  Service add_service(Service service, const Policy& policy = {});
  void add_filter(const Service& service, std::string_view prefix, FilterAction action);
  Backend add_backend(const Service& service, Family family, const Host& host,
                      BackendState state = BackendState::up, uint16_t port = 8080);
  void set_policy(const Service& service, const Policy& policy);
  void set_state(const Service& service, Backend backend, BackendState state);
  void set_ring(const Service& service, const Ring& ring);
  // As set_ring(), with all slots changed `age_s` ago.
  void set_ring_of_age(const Service& service, Ring ring, uint32_t age_s);
  // A ring of 256 slots, all settled on this backend.
  void settle(const Service& service, const Backend& backend);

  // Until clear(): steer is not attached to this device.
  void detach(Device device);
  // Exhausts, or refills, the rate limit of "packet too big" reports.
  void silence_reports(bool silent);

  Outcome steer(const Frame& frame, Device device = Device::front);
  // As if the driver had left no headroom. No value: this kernel's test runs cannot do that.
  std::optional<Outcome> steer_without_room(const Frame& frame);
  Outcome decap(const Frame& frame);
  Outcome punt(const Frame& frame, Device device = Device::front);

  [[nodiscard]] Verdicts verdicts(uint32_t service);
  [[nodiscard]] Traffic traffic(const Backend& backend);
  // The sum of all verdicts and of all backends' packets.
  [[nodiscard]] uint64_t counted();
  [[nodiscard]] uint32_t now_s() const;
  // Until clear(): latencies of the service's backends are measured.
  void measure(const Service& service);
  [[nodiscard]] Latency latency(const Backend& backend);

  [[nodiscard]] const sluice_seed& seed() const { return root_.seed; }
  Tracked& flows() { return flows_; }
  Tracked& half_open() { return half_open_; }
  Translations& translations() { return translations_; }
  Fragments& fragments() { return fragments_; }
  PacedFlows& paced_flows() { return paced_flows_; }
  [[nodiscard]] FlowTotals flow_totals(uint32_t service);
  Admissions& admissions() { return admissions_; }
  // One batch, for tens of thousands of entries.
  void add_translations(const std::vector<sluice_flow>& flows,
                        const std::vector<sluice_translation>& translations);
  // As for the removal of a backend.
  void purge(const Backend& backend);

 private:
  Stage();
  void enter_namespaces();
  void load();
  [[nodiscard]] uint32_t ifindex(Device device) const;
  void publish();
  void write(const Service& service, const Backend& backend);
  Outcome run(const Fd& program, const Frame& frame, Device device, uint32_t metadata_bytes);

  sluice_instance root_{};
  Fd network_;
  Fd steer_;
  Fd decap_;
  Fd punt_;
  uint32_t front_ifindex_ = 0;
  uint32_t back_ifindex_ = 0;
  std::unique_ptr<KernelDataplane> dataplane_;
  Tracked flows_;
  Tracked half_open_;
  Translations translations_;
  Fragments fragments_;
  PacedFlows paced_flows_;
  Admissions admissions_;
  Requests requests_;
  Admissions policings_;
  Map<uint32_t, uint32_t> devices_;
  Fd reports_;  // per CPU: the time from which the next "packet too big" report is allowed
  Configuration configuration_;
  bool published_ = false;
};

// A cleared stage for each test. Skips without root.
class StageTest : public testing::Test {
 protected:
  void SetUp() override;
  [[nodiscard]] Stage& stage() const { return *stage_; }

 private:
  Stage* stage_ = nullptr;
};

// The same, once per address family.
class StageTestOfFamily : public StageTest, public testing::WithParamInterface<Family> {
 protected:
  [[nodiscard]] Family family() const { return GetParam(); }
};

std::string family_name(const testing::TestParamInfo<Family>& info);

// A packet in a tunnel: the families of its header and of the outer one.
struct Nesting {
  Family inner;
  Family outer;
};
inline constexpr Nesting every_nesting[] = {{Family::v4, Family::v4},
                                            {Family::v4, Family::v6},
                                            {Family::v6, Family::v4},
                                            {Family::v6, Family::v6}};

std::string nesting_name(const testing::TestParamInfo<Nesting>& info);

}  // namespace sluice::stage
