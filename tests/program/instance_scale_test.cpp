// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// An instance with ten thousand services and a hundred thousand backends; mode nat needs the most
// table entries. All of them fit, and backends and services can be changed. The times are in the
// test's report; no expectation depends on them.
#include <gtest/gtest.h>

#include <chrono>

#include "control/changes.h"
#include "kernel/instance/instance.h"
#include "kernel/system/memory.h"
#include "sluice/instance.h"
#include "stage.h"

namespace sluice::stage {
namespace {

constexpr const char* kScaleName = "scale";
constexpr uint32_t kServices = 10000;
constexpr uint32_t kBackendsEach = 10;
constexpr InstanceLimits kScaleLimits{
    .services = kServices, .backends = kServices * kBackendsEach + 1, .flows = 1024};

Address address(uint8_t net, uint32_t host) {
  sluice_address raw{};
  raw.bytes[10] = raw.bytes[11] = 0xff;
  raw.bytes[12] = net;
  for (size_t i = 0; i < 3; i++) raw.bytes[13 + i] = static_cast<uint8_t>(host >> (16 - 8 * i));
  return Address(raw);
}

class InstanceScale : public StageTest {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    const auto created = Instance::create(kScaleName, kScaleLimits);
    ASSERT_TRUE(created) << created.error().text;
    auto instance = Instance::open_locked(kScaleName);
    ASSERT_TRUE(instance) << instance.error().text;
    instance_.emplace(std::move(*instance));
  }
  void TearDown() override {
    if (!instance_) return;
    instance_.reset();
    EXPECT_TRUE(Instance::remove(kScaleName));
  }
  Dataplane plane() { return instance_->dataplane(); }

  // Writes the configuration directly, without ten thousand commits.
  void fill(Mode mode) {
    for (uint32_t number = 1; number <= kServices; number++) {
      Service service;
      service.name = fmt::format("s{}", number);
      service.endpoint = {address(203, number), 80, L4Proto::tcp};
      service.mode = mode;
      service.number = number;
      ASSERT_TRUE(plane().configuration.write_all({.services = {service}}));
      for (uint32_t i = 0; i < kBackendsEach; i++) {
        Backend backend;
        backend.service = number;
        backend.number = (number - 1) * kBackendsEach + i + 1;
        backend.at = {address(10, backend.number), 8080};
        ASSERT_TRUE(plane().configuration.write_all({.backends = {backend}}));
        ASSERT_TRUE(plane().packet_path.write_backend(service, backend, address(10, 1)));
      }
    }
  }
  template <typename Act>
  void timed(const std::string& what, Act act) {
    const auto start = std::chrono::steady_clock::now();
    const Result<Change> change = act();
    const auto took = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(change) << change.error().text;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    RecordProperty(what + "_us", static_cast<int>(us));
    fmt::print("  {}: {} us\n", what, us);
  }

  std::optional<Instance> instance_;
};

class InstanceScaleOfMode : public InstanceScale, public testing::WithParamInterface<Mode> {};

TEST_P(InstanceScaleOfMode, ABackendIsAddedDrainedAndRemoved) {
  fill(GetParam());
  const HostPort at{Address(packets::backend_one.v4), 81};
  // The first change writes all endpoints and the whole table.
  timed("first_add", [&] { return backend_add(plane(), "s5000", at, 100, Apply::perform); });
  EXPECT_EQ(plane().configuration.backends()->size(), size_t{kServices} * kBackendsEach + 1);
  timed("set_weight", [&] {
    return backend_set(plane(), "s5000", at, {.weight = 50, .state = {}}, Apply::perform);
  });
  timed("drain", [&] {
    return backend_set(plane(), "s5000", at, {.weight = {}, .state = BackendState::draining},
                       Apply::perform);
  });
  timed("remove", [&] { return backend_remove(plane(), "s5000", at, Apply::perform); });
  timed("add", [&] { return backend_add(plane(), "s7000", at, 100, Apply::perform); });
  timed("service_remove", [&] { return service_remove(plane(), "s9000", Apply::perform); });
  timed("service_add", [&] {
    return service_add(plane(), "t", Endpoint::parse("198.51.100.1:80/udp").value(), {},
                       Apply::perform);
  });
  timed("policy", [&] {
    return policy_set(plane(), "s1", {{&Policy::flow_rate_bytes_per_sec, 1000000}}, Apply::perform);
  });

  const auto memory = memory_of(instance_->directory());
  ASSERT_TRUE(memory) << memory.error().text;
  uint64_t bytes = 0;
  for (const auto& map : *memory) bytes += map.bytes;
  RecordProperty("memory_kib", static_cast<int>(bytes / 1024));
  fmt::print("  memory: {} MiB\n", bytes >> 20);
}

INSTANTIATE_TEST_SUITE_P(Modes, InstanceScaleOfMode,
                         testing::Values(Mode::ipip, Mode::snat, Mode::nat),
                         [](const auto& mode) { return std::string(mode_text(mode.param)); });

}  // namespace
}  // namespace sluice::stage
