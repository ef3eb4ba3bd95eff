// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Length: one fixture, and each use case is one row of its tables.
// Commands killed before every one of their calls, and calls that fail: what was begun is finished
// by the next command, or was never begun; nothing is between.
#include "control/recover.h"

#include <gtest/gtest.h>

#include <functional>

#include "control/settle.h"
#include "sluice/instance.h"
#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

struct UseCase {
  const char* name;
  std::function<Result<Change>(Dataplane, Apply)> perform;
  bool removes = false;  // what is removed is not there to be removed again
};

std::vector<UseCase> use_cases() {
  const auto backend = [](const char* service, const char* where, uint32_t weight) {
    return [=](Dataplane d, Apply a) { return backend_add(d, service, at(where), weight, a); };
  };
  const auto set = [](const char* service, const char* where, BackendPatch patch) {
    return [=](Dataplane d, Apply a) { return backend_set(d, service, at(where), patch, a); };
  };
  const auto remove = [](const char* service, const char* where) {
    return [=](Dataplane d, Apply a) { return backend_remove(d, service, at(where), a); };
  };
  const auto remove_service = [](const char* name) {
    return [=](Dataplane d, Apply a) { return service_remove(d, name, a); };
  };
  const auto policy = [](const char* name, PolicyPatch patch) {
    return [=](Dataplane d, Apply a) { return policy_set(d, name, patch, a); };
  };
  const auto filter = [](const char* name, const char* prefix, FilterAction action) {
    return [=](Dataplane d, Apply a) {
      return filter_add(d, name, Prefix::parse(prefix).value(), action, a);
    };
  };
  const auto unfilter = [](const char* name, const char* prefix) {
    return [=](Dataplane d, Apply a) {
      return filter_remove(d, name, Prefix::parse(prefix).value(), a);
    };
  };
  // Long after everything that moves began to.
  const auto settle = [](std::optional<std::string> name) {
    return [=](Dataplane d, Apply a) -> Result<Change> {
      static_cast<MemoryDataplane&>(d.packet_path).clock_s = 100'000;
      auto settled = settle_services(d, name, a);
      if (!settled) return tl::unexpected(settled.error());
      size_t slots = 0;
      for (const Settling& each : *settled) slots += each.settled;
      return Change{slots > 0, fmt::format("{} slots", slots)};
    };
  };
  return {
      {"ServiceAdd",
       [](Dataplane d, Apply a) {
         return service_add(d, "api", endpoint("203.0.113.20:80/tcp"),
                            {{&Service::mode, Mode::snat}}, a);
       }},
      {"ServiceSet",
       [](Dataplane d, Apply a) {
         return service_set(d, "idle", {{&Service::mode, Mode::ipip}}, a);
       }},
      {"ServiceSetTimeOut",
       [](Dataplane d, Apply a) {
         return service_set(d, "dns", {{&Service::udp_timeout_s, 30}}, a);
       }},
      {"ServiceSettle", settle("dns")},
      {"ServiceRemove", remove_service("web"), true},
      {"ServiceRemoveIpip", remove_service("dns"), true},
      {"ServiceRemoveIdle", remove_service("idle"), true},
      {"BackendAdd", backend("web", backend_four, 50)},
      {"BackendAddFirst", backend("idle", backend_four, 100)},
      {"BackendAddWithoutWeight", backend("idle", backend_four, 0)},
      {"BackendAddIpip", backend("dns", "10.0.0.54:53", 100)},
      {"BackendAddThatGrowsTheRing", backend("full", "10.0.1.5:80", 100)},
      {"BackendSetWeight", set("dns", "10.0.0.53:53", {10, std::nullopt})},
      {"BackendDrain", set("web", backend_one, {std::nullopt, BackendState::draining})},
      {"BackendDown", set("web", backend_one, {std::nullopt, BackendState::down})},
      {"BackendDrainIpip", set("dns", "10.0.0.53:53", {std::nullopt, BackendState::draining})},
      {"BackendDownIpip", set("dns", "10.0.0.53:53", {std::nullopt, BackendState::down})},
      {"BackendUpFromDown", set("web", backend_three, {std::nullopt, BackendState::up})},
      {"BackendUpFromDraining", set("web", backend_two, {20, BackendState::up})},
      {"BackendRemove", remove("web", backend_one), true},
      {"BackendRemoveDown", remove("web", backend_three), true},
      {"BackendRemoveIpip", remove("dns", "10.0.0.53:53"), true},
      {"PolicySet", policy("dns", {{&Policy::flow_rate_bytes_per_sec, 1'000'000}})},
      {"PolicySetAnother", policy("web", {{&Policy::window_bytes, 65'536}})},
      {"PolicyConnectionRate", policy("idle", {{&Policy::connections_per_sec, 1000}})},
      {"ServiceAddPrefix",
       [](Dataplane d, Apply a) {
         return service_add(d, "pre", endpoint("203.0.115.0/24:0/udp"), {{&Service::quic, true}},
                            a);
       }},
      {"ServiceRemoveNat", remove_service("nat"), true},
      {"ServiceRemovePrefix", remove_service("all"), true},
      {"BackendAddNat", backend("nat", "10.0.2.12:80", 100)},
      {"BackendAddGue", backend("all", "[2001:db8::3:12]:80", 100)},
      {"BackendRemoveNat", remove("nat", "10.0.2.11:80"), true},
      {"FilterFirstAllow", filter("dns", "2001:db8:9::/48", FilterAction::allow)},
      {"FilterFirstDeny", filter("idle", "198.51.100.0/24", FilterAction::deny)},
      {"FilterAnother", filter("web", "198.51.100.7", FilterAction::deny)},
      {"FilterRemove", unfilter("web", "192.0.2.0/24"), true},
      {"FilterRemoveLast", unfilter("nat", "198.51.100.0/24"), true},
      {"FilterClear", [](Dataplane d, Apply a) { return filter_clear(d, "web", a); }},
      {"PolicyClear", [](Dataplane d, Apply a) { return policy_clear(d, "web", a); }},
  };
}

// The counts of a removed backend may be lost by a kill at the one moment between clearing and
// adding them (control/derive.cpp says why that order): they are compared apart.
Memory without_retired(Memory memory) {
  for (auto& [name, service] : memory.services) service.retired = {};
  return memory;
}

uint64_t packets_in(const Memory& memory) {
  uint64_t packets = 0;
  for (const auto& [name, service] : memory.services) packets += service.retired.packets;
  for (const auto& [backend, traffic] : memory.traffic) packets += traffic.packets;
  return packets;
}

// Runs it until it ends or dies before the call of that index. True: it died.
bool dies(MemoryDataplane& dataplane, size_t index, const std::function<void()>& act) {
  dataplane.calls = 0;
  dataplane.die_at = index;
  bool died = false;
  try {
    act();
  } catch (const Died&) {
    died = true;
  }
  dataplane.die_at.reset();
  return died;
}

class EveryUseCase : public testing::TestWithParam<UseCase> {
 protected:
  void SetUp() override {
    MemoryDataplane dataplane(before);
    const auto change = GetParam().perform(dataplane, Apply::perform);
    ASSERT_TRUE(change) << sentence(change);
    ASSERT_TRUE(change->needed);
    ASSERT_EQ(dataplane.contradictions, std::vector<std::string>{});
    after = dataplane.memory;
    calls = dataplane.calls;
    ASSERT_FALSE(before == after);
    ASSERT_EQ(after.pending, 0U);
  }

  void expect_begun_never_or_finished(MemoryDataplane& dataplane, size_t index) {
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{}) << "killed at call " << index;
    const bool never = dataplane.memory == before;
    const bool finished = without_retired(dataplane.memory) == without_retired(after);
    EXPECT_NE(never, finished) << "killed at call " << index;
    EXPECT_LE(packets_in(dataplane.memory), packets_in(before)) << "killed at call " << index;
    EXPECT_FALSE(was_finished_ && never) << "committed, then taken back, at call " << index;
    was_finished_ = was_finished_ || finished;
  }

  void expect_repeatable(MemoryDataplane& dataplane, size_t index) {
    const bool finished = without_retired(dataplane.memory) == without_retired(after);
    const auto again = GetParam().perform(dataplane, Apply::perform);
    if (GetParam().removes && finished) {
      ASSERT_FALSE(again);
      EXPECT_EQ(kind(again), ErrorKind::misused) << sentence(again);
    } else {
      ASSERT_TRUE(again) << "killed at call " << index << ": " << sentence(again);
      EXPECT_EQ(again->needed, !finished);
    }
    EXPECT_EQ(without_retired(dataplane.memory), without_retired(after))
        << "killed at call " << index;
  }

  const Memory before = busy().memory;
  Memory after;
  size_t calls = 0;

 private:
  bool was_finished_ = false;
};

TEST_P(EveryUseCase, KilledAnywhereIsFinishedOrNeverBegun) {
  size_t never = 0;
  size_t finished = 0;
  for (size_t index = 0; index < calls; index++) {
    MemoryDataplane dataplane(before);
    ASSERT_TRUE(
        dies(dataplane, index, [&] { (void)GetParam().perform(dataplane, Apply::perform); }));
    const auto recovered = recover(dataplane);
    ASSERT_TRUE(recovered) << recovered.error().text;
    expect_begun_never_or_finished(dataplane, index);
    (dataplane.memory == before ? never : finished)++;
    expect_repeatable(dataplane, index);
  }
  EXPECT_GT(never, 0U);
  EXPECT_GT(finished, 0U);
}

TEST_P(EveryUseCase, KilledAgainWhileItIsRecoveredChangesNothing) {
  for (size_t index = 0; index < calls; index++) {
    MemoryDataplane killed(before);
    ASSERT_TRUE(dies(killed, index, [&] { (void)GetParam().perform(killed, Apply::perform); }));
    for (size_t second = 0;; second++) {
      MemoryDataplane dataplane(killed.memory);
      const bool died = dies(dataplane, second, [&] { (void)recover(dataplane); });
      ASSERT_TRUE(recover(dataplane));
      EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
      const bool never = dataplane.memory == before;
      const bool finished = without_retired(dataplane.memory) == without_retired(after);
      EXPECT_NE(never, finished) << "killed at calls " << index << " and " << second;
      EXPECT_LE(packets_in(dataplane.memory), packets_in(before));
      if (!died) break;
    }
  }
}

TEST_P(EveryUseCase, TheNextCommandFinishesItFirst) {
  for (size_t index = 0; index < calls; index++) {
    MemoryDataplane dataplane(before);
    ASSERT_TRUE(
        dies(dataplane, index, [&] { (void)GetParam().perform(dataplane, Apply::perform); }));
    ASSERT_TRUE(add_service(dataplane, "next", "203.0.113.77:80/tcp"));
    ASSERT_TRUE(service_remove(dataplane, "next", Apply::perform));
    expect_begun_never_or_finished(dataplane, index);
  }
}

TEST_P(EveryUseCase, RecoversAsWellWhenAllIsPending) {
  for (size_t index = 0; index < calls; index++) {
    MemoryDataplane dataplane(before);
    ASSERT_TRUE(
        dies(dataplane, index, [&] { (void)GetParam().perform(dataplane, Apply::perform); }));
    if (dataplane.memory.pending == 0) continue;
    dataplane.memory.pending = SLUICE_PENDING_ALL;
    ASSERT_TRUE(recover(dataplane));
    expect_begun_never_or_finished(dataplane, index);
  }
}

TEST_P(EveryUseCase, AnyCallThatFailsIsAnErrorAndTheNextCommandFinishes) {
  for (size_t index = 0; index < calls; index++) {
    MemoryDataplane dataplane(before);
    dataplane.fail_at = index;
    const auto change = GetParam().perform(dataplane, Apply::perform);
    ASSERT_FALSE(change) << "call " << index << " failed";
    EXPECT_EQ(kind(change), ErrorKind::failed);
    const std::string why = fmt::format("call {} was told to fail", index);
    EXPECT_NE(sentence(change).find(why), std::string::npos) << sentence(change);
    // What was not committed is as it was, without any recovery; what was says so.
    const bool said = sentence(change).find("finishes it") != std::string::npos;
    EXPECT_EQ(dataplane.memory == before, !said) << "call " << index << " failed";

    dataplane.fail_at.reset();
    ASSERT_TRUE(recover(dataplane));
    expect_begun_never_or_finished(dataplane, index);
    expect_repeatable(dataplane, index);
  }
}

TEST_P(EveryUseCase, OnlyShownWritesNothingAndSaysTheSame) {
  MemoryDataplane shown(before);
  MemoryDataplane performed(before);
  const auto change = GetParam().perform(shown, Apply::only_show);
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->needed);
  EXPECT_EQ(change->sentence, sentence(GetParam().perform(performed, Apply::perform)));
  EXPECT_TRUE(shown.written.empty());
  EXPECT_EQ(shown.memory, before);
}

// A use case writes less than recovery does, because it knows what it touched; here is the proof
// that it knows.
TEST_P(EveryUseCase, LeavesNothingForAWholeDerivation) {
  MemoryDataplane dataplane(after);
  dataplane.memory.pending = SLUICE_PENDING_ALL;
  ASSERT_TRUE(recover(dataplane));
  EXPECT_EQ(dataplane.memory, after);
}

INSTANTIATE_TEST_SUITE_P(Recover, EveryUseCase, testing::ValuesIn(use_cases()),
                         [](const auto& each) { return each.param.name; });

TEST(Recover, CostsOneLookUpWhenNothingIsPending) {
  MemoryDataplane dataplane = busy();
  const auto recovered = recover(dataplane);
  ASSERT_TRUE(recovered);
  EXPECT_FALSE(*recovered);
  EXPECT_EQ(dataplane.calls, 1U);
}

TEST(Recover, SaysThatItFinishedSomething) {
  MemoryDataplane dataplane = busy();
  dataplane.memory.pending = service_in(dataplane.memory, "web").number;
  const auto recovered = recover(dataplane);
  ASSERT_TRUE(recovered);
  EXPECT_TRUE(*recovered);
  EXPECT_EQ(dataplane.memory.pending, 0U);
}

TEST(Recover, TakesBackABackendThatWasNeverLiveAndHasNoRouteAnyMore) {
  MemoryDataplane dataplane = busy();
  const Memory before = dataplane.memory;
  const uint32_t web = service_in(before, "web").number;
  dataplane.memory.backends[200] = {web, at(backend_four), 200, 100, BackendState::up, false};
  dataplane.memory.pending = web;
  dataplane.unreachable.insert("10.0.0.14");
  const auto recovered = recover(dataplane);
  ASSERT_TRUE(recovered) << recovered.error().text;
  EXPECT_EQ(dataplane.memory, before);
  EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
}

TEST(Recover, IsNotNeededToShowThatWhatIsOnItsWayOutIsGone) {
  MemoryDataplane dataplane = busy();
  backend_in(dataplane.memory, "web", backend_one).removing = true;
  service_in(dataplane.memory, "dns").removing = true;
  const Memory before = dataplane.memory;

  const auto added = backend_add(dataplane, "web", at(backend_one), 100, Apply::only_show);
  ASSERT_TRUE(added);
  EXPECT_TRUE(added->needed);
  EXPECT_FALSE(backend_remove(dataplane, "web", at(backend_one), Apply::only_show));
  EXPECT_FALSE(service_remove(dataplane, "dns", Apply::only_show));
  const auto again = service_add(dataplane, "dns", endpoint("[2001:db8::53]:53/udp"),
                                 {{&Service::mode, Mode::ipip}}, Apply::only_show);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->needed);
  EXPECT_EQ(dataplane.memory, before);
}

TEST(Recover, KeepsALiveBackendWhoseRouteIsGone) {
  MemoryDataplane dataplane = busy();
  const Memory before = dataplane.memory;
  dataplane.memory.pending = service_in(before, "web").number;
  dataplane.unreachable = {"10.0.0.11", "10.0.0.12", "10.0.0.13"};
  ASSERT_TRUE(recover(dataplane));
  EXPECT_EQ(dataplane.memory, before);
}

// Cut off between clearing a backend's counts and adding them to the retired ones, they are lost;
// anywhere else they are all there.
TEST(Recover, LosesTheCountsOfARemovedBackendAtOneMomentAndDoublesThemAtNone) {
  size_t lost = 0;
  for (size_t index = 0;; index++) {
    MemoryDataplane dataplane = busy();
    const uint64_t packets = packets_in(dataplane.memory);
    const bool died = dies(dataplane, index, [&] {
      (void)backend_remove(dataplane, "web", at(backend_one), Apply::perform);
    });
    ASSERT_TRUE(recover(dataplane));
    ASSERT_LE(packets_in(dataplane.memory), packets);
    if (packets_in(dataplane.memory) < packets) lost++;
    if (!died) break;
  }
  EXPECT_EQ(lost, 1U);
}

}  // namespace
}  // namespace sluice::test
