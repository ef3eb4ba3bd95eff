// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Applying a configuration: the dry run shows what is done, and the result is what was desired.
#include "control/apply.h"

#include <gtest/gtest.h>

#include <random>

#include "control/desired_checks.h"
#include "control/recover.h"
#include "control/running.h"
#include "file/read.h"
#include "file/write.h"
#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

using Services = std::vector<DesiredService>;

// A random configuration of a small world, in which pairs have much in common.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {}

  // Valid in itself, as check_desired() says.
  Services services() {
    for (;;) {
      Desired desired;
      desired.services.emplace();
      for (int name = 0; name < 5; name++)
        if (likely(3, 4)) desired.services->push_back(service(name));
      if (check_desired(desired).empty()) return *desired.services;
    }
  }

 private:
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  bool likely(size_t of, size_t all) { return below(all) < of; }

  DesiredService service(int name) {
    static const std::vector<const char*> endpoints = {
        "203.0.113.1:80/tcp", "203.0.113.2:80/tcp", "203.0.113.3:443/udp", "203.0.114.0/24:80/tcp",
        "203.0.113.4:0/tcp",  "203.0.113.5:80/tcp", "203.0.113.1:81/tcp"};
    DesiredService each;
    Service& one = each.service;
    one.name = fmt::format("s{}", name);
    // Mostly its own.
    one.endpoint = endpoint(endpoints[likely(4, 5) ? static_cast<size_t>(name) : below(7)]);
    if (likely(1, 3)) one.mode = std::vector{Mode::ipip, Mode::gue, Mode::nat, Mode::l2}[below(4)];
    if (one.mode == Mode::gue && likely(1, 2)) one.gue_variant = 0;
    if (likely(1, 6)) one.affinity = Affinity::client;
    if (one.endpoint.l4_proto == L4Proto::udp && likely(1, 3)) one.quic = true;
    if (likely(1, 4)) one.idle_timeout_s = 60;
    if (likely(1, 4)) one.udp_timeout_s = 30;
    if (likely(1, 3)) each.policy.flow_rate_bytes_per_sec = 125'000 * (1 + below(2));
    if (likely(1, 4)) each.policy.connections_per_sec = 1000;
    if (likely(1, 4)) each.policy.rate_bytes_per_sec = 1'250'000;
    if (likely(1, 6)) each.policy.loss_ppm = 10'000;
    for (const char* prefix : {"192.0.2.0/24", "192.0.2.7/32"})
      if (likely(1, 4))
        each.client_weights.push_back(
            {Prefix::parse(prefix).value(), 1 + static_cast<uint32_t>(below(3))});
    for (const char* prefix : {"198.51.100.0/24", "192.0.2.0/25"})
      if (likely(1, 4))
        each.filters.push_back({Prefix::parse(prefix).value(),
                                likely(1, 2) ? FilterAction::allow : FilterAction::deny});
    std::stable_sort(each.filters.begin(), each.filters.end(),
                     [](const auto& a, const auto& b) { return a.action < b.action; });
    for (size_t host = 1; host <= 4; host++)
      if (likely(1, 2)) each.backends.push_back(backend(one, name, host));
    return each;
  }

  DesiredBackend backend(const Service& service, int name, size_t host) {
    DesiredBackend one;
    // In mode nat a backend is one service's, which the others leave alone.
    const size_t net = service.mode == Mode::nat ? static_cast<size_t>(name) + 1 : 0;
    one.at = at(fmt::format("10.0.{}.{}:{}", net, host, service.endpoint.port == 0 ? 0 : 8080));
    if (likely(1, 3)) one.weight = static_cast<uint32_t>(50 * below(4));
    if (likely(1, 5)) one.state = likely(1, 2) ? BackendState::draining : BackendState::down;
    return one;
  }

  std::mt19937_64 random_;
};

// Of the same services in any order.
Services by_name(Services services) {
  std::sort(services.begin(), services.end(),
            [](const auto& a, const auto& b) { return a.service.name < b.service.name; });
  for (DesiredService& each : services) {
    std::sort(each.backends.begin(), each.backends.end(), [](const auto& a, const auto& b) {
      return a.at.address == b.at.address ? a.at.port < b.at.port : a.at.address < b.at.address;
    });
    std::sort(each.filters.begin(), each.filters.end(), [](const auto& a, const auto& b) {
      return a.action == b.action ? a.prefix < b.prefix : a.action < b.action;
    });
  }
  return services;
}

Services running(MemoryDataplane& dataplane) {
  return by_name(services_of(Configuration::load(dataplane).value()));
}

using Sentences = std::vector<std::string>;

Sentences applied(MemoryDataplane& dataplane, const Services& desired, Apply apply) {
  auto changed = apply_services(dataplane, desired, apply);
  EXPECT_TRUE(changed) << changed.error().text;
  return changed ? *changed : Sentences{};
}

class EveryPair : public testing::TestWithParam<uint64_t> {};

TEST_P(EveryPair, IsAppliedAsTheDryRunSaidAndIsThenWhatWasAskedAndStaysSo) {
  World world(GetParam());
  MemoryDataplane dataplane;
  dataplane.limits = {32, 256, 64, 64, 1024};
  for (int step = 0; step < 4; step++) {
    const Services desired = world.services();
    const Memory before = dataplane.memory;
    const Sentences shown = applied(dataplane, desired, Apply::only_show);
    EXPECT_EQ(dataplane.memory, before);
    EXPECT_EQ(applied(dataplane, desired, Apply::perform), shown);
    EXPECT_EQ(running(dataplane), by_name(desired));
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
    EXPECT_EQ(dataplane.memory.pending, 0U);
    EXPECT_FALSE(dataplane.memory.journal);

    const Memory after = dataplane.memory;
    EXPECT_EQ(applied(dataplane, desired, Apply::perform), Sentences{});
    EXPECT_EQ(dataplane.memory, after);
  }
}

// What the operator is told of, and what packets meet.
bool same_world(const Memory& a, const Memory& b) {
  MemoryDataplane first(a);
  MemoryDataplane second(b);
  return running(first) == running(second);
}

TEST_P(EveryPair, KilledAnywhereIsTheOldOrTheNewOnceTheNextCommandHasCome) {
  World world(GetParam());
  MemoryDataplane start;
  start.limits = {32, 256, 64, 64, 1024};
  applied(start, world.services(), Apply::perform);
  const Services desired = world.services();
  const Memory before = start.memory;
  applied(start, desired, Apply::perform);
  const Memory after = start.memory;

  bool committed = false;
  for (size_t index = 0;; index++) {
    MemoryDataplane dataplane(before);
    dataplane.limits = start.limits;
    dataplane.die_at = index;
    bool died = false;
    try {
      applied(dataplane, desired, Apply::perform);
    } catch (const Died&) {
      died = true;
    }
    if (!died) break;
    dataplane.die_at.reset();
    // Also for a reader without the lock, which finishes nothing.
    EXPECT_TRUE(same_world(dataplane.memory, before) || same_world(dataplane.memory, after))
        << index;
    ASSERT_TRUE(recover(dataplane)) << index;
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{}) << index;
    const bool is_old = same_world(dataplane.memory, before);
    const bool is_new = same_world(dataplane.memory, after);
    EXPECT_TRUE(is_old || is_new) << index;
    // One word between the two: from then on it is the new.
    if (!is_old) committed = true;
    EXPECT_TRUE(!committed || is_new) << index;

    applied(dataplane, desired, Apply::perform);
    EXPECT_EQ(running(dataplane), by_name(desired)) << index;
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{}) << index;
  }
}

TEST_P(EveryPair, IsExportedAsTheFileThatMakesIt) {
  World world(GetParam());
  MemoryDataplane dataplane;
  applied(dataplane, world.services(), Apply::perform);
  Desired desired;
  desired.services = services_of(Configuration::load(dataplane).value());
  const FileReading reading = read_configuration(write_configuration(desired));
  for (const FileError& error : reading.errors) ADD_FAILURE() << file_error_text("export", error);
  EXPECT_EQ(reading.desired, desired) << write_configuration(desired);
  EXPECT_EQ(applied(dataplane, *reading.desired.services, Apply::perform), Sentences{});
}

INSTANTIATE_TEST_SUITE_P(World, EveryPair, testing::Range<uint64_t>(1, 4));

Services from(std::string_view text) {
  const FileReading reading = read_configuration(text);
  for (const FileError& error : reading.errors) ADD_FAILURE() << file_error_text("text", error);
  return *reading.desired.services;
}

TEST(Apply, ChangesOfOneBackendTouchNothingElse) {
  MemoryDataplane dataplane;
  const std::string services =
      "services:\n"
      "  web: {address: '203.0.113.10:443/tcp', backends: [10.0.0.11:80, "
      "{address: 10.0.0.12:80, weight: WEIGHT}]}\n"
      "  dns: {address: '203.0.113.10:53/udp', backends: [10.0.0.11:53, 10.0.0.12:53]}\n";
  const auto with_weight = [&](const char* weight) {
    std::string text = services;
    return from(text.replace(text.find("WEIGHT"), 6, weight));
  };
  applied(dataplane, with_weight("100"), Apply::perform);
  dataplane.written.clear();
  EXPECT_EQ(applied(dataplane, with_weight("300"), Apply::perform),
            Sentences{"backend 10.0.0.12:80 of web: weight 300"});
  EXPECT_EQ(dataplane.written, (Sentences{"put_backend", "write_backend", "swap_ring"}));
}

TEST(Apply, ServiceOfAnotherModeTakesItsPlaceAndNumbersAreNewOnes) {
  MemoryDataplane dataplane;
  const std::string in_mode =
      "services: {web: {address: '203.0.113.10:443/tcp', mode: MODE, "
      "backends: [10.0.0.11:80]}}";
  const auto with_mode = [&](const char* mode) {
    std::string text = in_mode;
    return from(text.replace(text.find("MODE"), 4, mode));
  };
  applied(dataplane, with_mode("snat"), Apply::perform);
  EXPECT_EQ(applied(dataplane, with_mode("ipip"), Apply::perform),
            (Sentences{"service web: replaced by 203.0.113.10:443/tcp, mode ipip; it was "
                       "203.0.113.10:443/tcp, mode snat, and its connections end",
                       "backend 10.0.0.11:80 of web: added, weight 100"}));
  EXPECT_EQ(dataplane.memory.services.size(), 1U);
  EXPECT_EQ(service_in(dataplane.memory, "web").number, 2U);
  EXPECT_EQ(backend_in(dataplane.memory, "web", "10.0.0.11:80").number, 2U);
}

TEST(Apply, WhatSluiceRunSawStaysWhereItIsToldToLook) {
  MemoryDataplane dataplane;
  const std::string text =
      "services: {web: {address: '203.0.113.10:443/tcp', EXTRA "
      "backends: [10.0.0.11:80]}}";
  const auto with = [&](const char* extra) {
    std::string whole = text;
    return from(whole.replace(whole.find("EXTRA"), 5, extra));
  };
  const Services watched = with("health: {check: tcp}, weights: adapt,");
  applied(dataplane, watched, Apply::perform);
  Backend& backend = dataplane.memory.backends.begin()->second;
  backend.failing = true;
  backend.adapted_permille = 500;
  EXPECT_EQ(applied(dataplane, watched, Apply::perform), Sentences{});
  EXPECT_EQ(applied(dataplane, with(""), Apply::perform),
            Sentences{"backend 10.0.0.11:80 of web: no longer failing, its whole weight"});
}

TEST(Apply, RefusesWhatThereIsNoRoomOrNoWayForAndChangesNothing) {
  MemoryDataplane dataplane;
  dataplane.limits = {1, 1, 1, 1, 1024};
  const auto refusal = [&](const std::string& text) {
    const Memory before = dataplane.memory;
    const auto refused = apply_services(dataplane, from(text), Apply::perform);
    EXPECT_EQ(dataplane.memory, before);
    return refused ? std::string() : refused.error().text;
  };
  EXPECT_EQ(refusal("services:\n"
                    "  a: {address: '203.0.113.1:80/tcp'}\n"
                    "  b: {address: '203.0.113.2:80/tcp'}\n"),
            "services: 0 of 1 are in use, which leaves no room for b; remove some first, or make "
            "an instance with more");
  EXPECT_EQ(refusal("services:\n"
                    "  a: {address: '203.0.113.1:80/tcp', backends: [10.0.0.1:1, 10.0.0.2:1]}\n"),
            "backends: 0 of 1 are in use, which leaves no room for backend 10.0.0.2:1 of a; remove "
            "some first, or make an instance with more");
  EXPECT_EQ(refusal("services: {a: {address: '203.0.113.1:80/tcp', deny: [10.0.0.1, 10.0.0.2]}}"),
            "filters: 2 are needed, with those that go, and there is room for 1; apply in two "
            "steps");
  EXPECT_EQ(refusal("services: {a: {address: '203.0.113.1:80/tcp', client-weights: {10.0.0.1: 2, "
                    "10.0.0.2: 2}}}"),
            "weights of clients: 2 are needed, with those that go, and there is room for 1; apply "
            "in two steps");
  dataplane.unreachable.insert("10.0.0.9");
  EXPECT_EQ(refusal("services:\n"
                    "  a:\n"
                    "    address: 203.0.113.1:80/tcp\n"
                    "    backends:\n"
                    "      - 10.0.0.9:80\n"),
            "line 5: backend 10.0.0.9:80 of a: no route to 10.0.0.9");
}

TEST(Apply, FailsAtAnyCallAndTheNextCommandFinishesOrNothingHasChanged) {
  World world(7);
  MemoryDataplane start;
  start.limits = {32, 256, 64, 64, 1024};
  applied(start, world.services(), Apply::perform);
  const Services desired = world.services();
  for (size_t index = 0;; index++) {
    MemoryDataplane dataplane(start.memory);
    dataplane.limits = start.limits;
    dataplane.fail_at = index;
    if (apply_services(dataplane, desired, Apply::perform)) break;
    dataplane.fail_at.reset();
    ASSERT_TRUE(recover(dataplane));
    EXPECT_TRUE(same_world(dataplane.memory, start.memory) ||
                running(dataplane) == by_name(desired))
        << index;
  }
}

TEST(Export, WritesWhateverAFileCanSay) {
  const FileReading example =
      load_configuration(std::string(SLUICE_SOURCE_DIR) + "/docs/examples/sluice.yaml").value();
  ASSERT_TRUE(example.errors.empty());
  const FileReading again = read_configuration(write_configuration(example.desired));
  for (const FileError& error : again.errors) ADD_FAILURE() << file_error_text("written", error);
  EXPECT_EQ(again.desired, example.desired) << write_configuration(example.desired);
}

TEST(Export, OfNothingIsAFile) {
  const FileReading again = read_configuration(write_configuration(Desired{}));
  EXPECT_TRUE(again.errors.empty());
  EXPECT_EQ(again.desired, Desired{});
}

}  // namespace
}  // namespace sluice::test
