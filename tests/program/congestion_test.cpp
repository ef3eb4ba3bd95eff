// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The congestion control in this kernel, with real connections over a private loopback: telemetry,
// policies, loading and unloading. Tests wait for conditions, and take the best of several
// intervals for a rate, so that a busy machine does not fail them.
#include <sys/socket.h>
#include <sys/wait.h>

#include "program/congestion_fixture.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using namespace bulk;

class Congestion : public CongestionFixture {};

// Packets in flight, as the kernel counts them (tcp_packets_in_flight): packets acknowledged
// selectively or declared lost are unacknowledged, but not in flight.
int64_t in_flight(const tcp_info& now) {
  return int64_t{now.tcpi_unacked} - now.tcpi_sacked - now.tcpi_lost + now.tcpi_retrans;
}

TEST_F(Congestion, AFlowIsPublishedUnderItsClientsTupleUntilItCloses) {
  load();
  for (const Family family : {Family::v4, Family::v6, Family::v4_mapped}) {
    BulkFlow flow(name_, family, kPort);
    serve(flow.server());
    set_policy(0, 1 << 20);
    const sluice_flow name = flow.name();
    auto fresh = find(name);
    ASSERT_TRUE(fresh) << "family " << static_cast<int>(family);
    EXPECT_EQ(fresh->state, uint32_t{SLUICE_CONGESTION_SLOW_START});
    EXPECT_EQ(fresh->entered[SLUICE_CONGESTION_SLOW_START], 1U);
    EXPECT_EQ(fresh->mss_bytes, family == Family::v6 ? 1428U : 1448U);

    flow.send_without_end();
    EXPECT_TRUE(wait_for(flow, [](const auto& now) {
      return now.service == kService && now.delivered_bytes > 1000000 && now.min_rtt_us > 0 &&
             now.srtt_us > 0 && now.delivery_rate_bytes_per_sec > 0 && now.updated_ns > 0;
    }));
    flow.close();
    EXPECT_TRUE(wait_until([&] { return !find(name); }));
  }
}

TEST_F(Congestion, AFlowOfNoServiceHasNoPolicy) {
  load();
  set_policy(kMbit, 1448);
  BulkFlow flow(name_, Family::v4, kPort);
  flow.send_without_end();
  ASSERT_TRUE(wait_for(flow, [](const auto& now) {
    return now.delivered_bytes > 10000000 && now.cwnd_packets > 10;
  }));
  EXPECT_EQ(find(flow.name())->service, 0U);
}

TEST_F(Congestion, AnIdleConnectionIsLimitedByItsApplication) {
  load();
  BulkFlow flow(name_, Family::v4, kPort);
  // A round is at least 10 ms; single bytes never fill a window.
  EXPECT_TRUE(wait_for(flow, [&](const auto& now) {
    flow.send_one_byte();
    return now.bound == SLUICE_BOUND_APPLICATION && now.delivered_bytes > 10;
  }));
  EXPECT_EQ(find(flow.name())->cwnd_packets, 10U);
}

TEST_F(Congestion, ARatePolicyHoldsOnTheWireAndFollowsChanges) {
  load();
  for (const Family family : {Family::v4, Family::v6}) {
    BulkFlow flow(name_, family, kPort);
    serve(flow.server());
    set_policy(50 * kMbit, 0);
    flow.send_without_end();
    EXPECT_TRUE(
        wait_for(flow, [](const auto& now) { return now.bound == SLUICE_BOUND_POLICY_RATE; }));
    EXPECT_TRUE(wait_for(flow, [](const auto& now) {
      return now.entered[SLUICE_CONGESTION_AVOIDANCE] > 0;
    })) << "slow start does not end although the policy limits the flow";
    for (const uint32_t mbit : {50U, 20U, 80U}) {
      set_policy(mbit * kMbit, 0);
      std::this_thread::sleep_for(300ms);
      const double share = share_of(flow, mbit * kMbit);
      ASSERT_LT(share, 1 + kTolerance) << mbit << " Mbit/s";
      if (share < 1 - kTolerance) {
        const auto now = find(flow.name()).value_or(sluice_congestion_flow{});
        flow.close();
        if (!machine_can_pace(mbit * kMbit))
          GTEST_SKIP() << "this machine is too busy: " << mbit
                       << " Mbit/s is more than the kernel's own pacing reaches here";
        FAIL() << share << " of " << mbit << " Mbit/s: bound " << now.bound << ", window "
               << now.cwnd_packets << ", RTT " << now.srtt_us << " us, least " << now.min_rtt_us
               << " us, pacing " << now.pacing_rate_bytes_per_sec;
      }
    }
  }
}

TEST_F(Congestion, AWindowPolicyIsNeverExceededAndReachesARunningFlow) {
  load();
  BulkFlow flow(name_, Family::v4, kPort);
  serve(flow.server());
  flow.send_without_end();
  constexpr uint32_t packets = 12;
  ASSERT_TRUE(wait_until([&] { return flow.info().tcpi_snd_cwnd > packets; }));

  set_policy(0, packets * 1448 + 1447);
  // Packets in flight under the larger window drain.
  ASSERT_TRUE(wait_until([&] {
    const tcp_info now = flow.info();
    return now.tcpi_snd_cwnd <= packets && in_flight(now) <= packets;
  }));
  EXPECT_TRUE(
      wait_for(flow, [](const auto& now) { return now.bound == SLUICE_BOUND_POLICY_WINDOW; }));
  for (int i = 0; i < 1000; ++i) {
    const tcp_info now = flow.info();
    ASSERT_LE(now.tcpi_snd_cwnd, packets);
    // A tail loss probe may be in flight beyond the window (RFC 8985, 7.3).
    ASSERT_LE(in_flight(now), packets + 1);
    std::this_thread::sleep_for(500us);
  }
  set_policy(0, 0);
  EXPECT_TRUE(wait_until([&] { return flow.info().tcpi_snd_cwnd > packets; }));
}

TEST_F(Congestion, AWindowPolicyBelowAPacketAllowsOne) {
  load();
  BulkFlow flow(name_, Family::v4, kPort);
  serve(flow.server());
  set_policy(0, 100);
  ASSERT_TRUE(wait_until([&] {
    flow.send_one_byte();
    return flow.info().tcpi_snd_cwnd == 1;
  }));
  const uint64_t before = flow.received();
  flow.send_without_end();
  EXPECT_TRUE(wait_until([&] { return flow.received() > before + 100000; }));
  EXPECT_EQ(flow.info().tcpi_snd_cwnd, 1U);
}

TEST_F(Congestion, LossesEnterRecoveryAndSilenceEntersTimeout) {
  load();
  BulkFlow flow(name_, Family::v4, kPort);
  serve(flow.server());
  set_policy(100 * kMbit, 0);
  flow.send_without_end();
  ASSERT_TRUE(wait_for(flow, [](const auto& now) { return now.delivered_bytes > 1000000; }));

  flow.lose(Loss::some);
  EXPECT_TRUE(wait_for(flow, [](const auto& now) {
    return now.entered[SLUICE_CONGESTION_RECOVERY] > 0 && now.lost_packets > 0 &&
           now.retransmitted_packets > 0 && now.ssthresh_packets < 0x7fffffff;
  }));
  flow.lose(Loss::all);
  EXPECT_TRUE(wait_for(flow, [](const auto& now) {
    return now.state == SLUICE_CONGESTION_TIMEOUT && now.cwnd_packets <= 2;
  }));
  flow.lose(Loss::none);
  const uint64_t before = flow.received();
  EXPECT_TRUE(wait_for(flow, [&](const auto& now) {
    return now.state != SLUICE_CONGESTION_TIMEOUT && now.cwnd_packets > 2 &&
           flow.received() > before + 1000000;
  }));
}

TEST_F(Congestion, LoadingTwiceIsReported) {
  load();
  auto again = congestion_load(directory_, name_);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(*again, CongestionLoad::nothing);
  auto controls = congestion_list(directory_);
  ASSERT_TRUE(controls);
  EXPECT_EQ(std::count_if(controls->begin(), controls->end(),
                          [&](const auto& one) { return one.name == name_ && one.pinned; }),
            1);
}

TEST_F(Congestion, UnloadingWithoutLoadingIsNoError) {
  auto unloaded = congestion_unload(directory_, name_);
  ASSERT_TRUE(unloaded) << unloaded.error().text;
  EXPECT_FALSE(*unloaded);
}

TEST_F(Congestion, ATakenNameIsRefusedWithItsOwner) {
  load();
  const std::string elsewhere = directory_ + "b";
  ASSERT_EQ(mkdir(elsewhere.c_str(), 0700), 0);
  auto second = congestion_load(elsewhere, name_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find("is registered already, by struct_ops map"), std::string::npos)
      << second.error().text;
  auto foreign = congestion_unload(elsewhere, name_);
  EXPECT_FALSE(foreign) << "removed another instance's";
  EXPECT_TRUE(is_registered(name_));
  auto builtin = congestion_load(elsewhere, "reno");
  ASSERT_FALSE(builtin);
  EXPECT_NE(builtin.error().text.find("reno is already the name"), std::string::npos)
      << builtin.error().text;
  (void)remove_tree(elsewhere);
}

TEST_F(Congestion, AnInvalidNameIsMisuse) {
  for (const char* name : {"", "sixteen_letters_", "with-dash", "with space", "slash/"}) {
    auto loaded = congestion_load(directory_, name);
    ASSERT_FALSE(loaded) << name;
    EXPECT_EQ(loaded.error().kind, ErrorKind::misused) << name;
  }
}

TEST_F(Congestion, ExistingMapsAreReusedWithTheirCapacity) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
  const Fd small(
      bpf_map_create(BPF_MAP_TYPE_HASH, "policies", 4, sizeof(sluice_policy), 3, &options));
  ASSERT_TRUE(small.valid());
  ASSERT_EQ(bpf_obj_pin(small.get(), (directory_ + "/policies").c_str()), 0);
  load();
  bpf_map_info before{};
  bpf_map_info after{};
  uint32_t length = sizeof(before);
  ASSERT_EQ(bpf_obj_get_info_by_fd(small.get(), &before, &length), 0);
  ASSERT_EQ(bpf_obj_get_info_by_fd(policies_.get(), &after, &length), 0);
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.max_entries, 3U);
}

TEST_F(Congestion, UnloadedUnderARunningFlowItServesOnlyThatFlow) {
  load();
  BulkFlow flow(name_, Family::v4, kPort);
  serve(flow.server());
  set_policy(100 * kMbit, 0);
  flow.send_without_end();
  ASSERT_TRUE(wait_for(flow, [](const auto& now) { return now.delivered_bytes > 100000; }));
  const uint32_t map_id = congestion_list(directory_)->at(0).map_id;

  auto unloaded = congestion_unload(directory_, name_);
  ASSERT_TRUE(unloaded) << unloaded.error().text;
  EXPECT_TRUE(*unloaded);
  EXPECT_FALSE(is_registered(name_));
  EXPECT_THROW(BulkFlow(name_, Family::v4, kPort + 1), std::runtime_error);

  const uint64_t before = flow.received();
  EXPECT_TRUE(wait_until([&] { return flow.received() > before + 1000000; }));
  const sluice_flow name = flow.name();
  EXPECT_TRUE(find(name));
  flow.close();
  EXPECT_TRUE(wait_until([&] { return !find(name); }));
  EXPECT_TRUE(wait_until([&] { return !Fd(bpf_map_get_fd_by_id(map_id)).valid(); }))
      << "the struct_ops map outlives its last socket";
}

TEST_F(Congestion, ItCanBeLoadedWhileASocketUsesTheUnloadedOne) {
  load();
  BulkFlow flow(name_, Family::v4, kPort);
  ASSERT_TRUE(congestion_unload(directory_, name_));
  auto loaded = congestion_load(directory_, name_);
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(*loaded, CongestionLoad::loaded);
}

TEST_F(Congestion, ALoaderKilledAtAnyMomentDoesNotBlockTheNext) {
  for (int delay_us = 0; delay_us < 60000; delay_us += 3000) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      (void)congestion_load(directory_, name_);
      (void)congestion_unload(directory_, name_);
      _exit(0);
    }
    usleep(static_cast<useconds_t>(delay_us));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    // The kernel removes an unpinned link after its process, but not at once.
    std::string why;
    ASSERT_TRUE(wait_until([&] {
      auto loaded = congestion_load(directory_, name_);
      if (!loaded) why = loaded.error().text;
      return loaded.has_value();
    })) << why;
    const auto names = registered();
    EXPECT_EQ(std::count(names.begin(), names.end(), name_), 1) << "after " << delay_us << " us";
    auto unloaded = congestion_unload(directory_, name_);
    ASSERT_TRUE(unloaded) << unloaded.error().text;
    EXPECT_TRUE(*unloaded);
    EXPECT_FALSE(is_registered(name_));
  }
}

TEST_F(Congestion, ARegistrationWithoutPinsIsReplaced) {
  load();
  ASSERT_TRUE(remove_tree(directory_));
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  // With a link the kernel removes it soon; without, the next loader unregisters it.
  EXPECT_TRUE(wait_until([&] {
    return congestion_load(directory_, name_).value_or(CongestionLoad::nothing) ==
           CongestionLoad::loaded;
  }));
}

TEST_F(Congestion, RemainsOfADeadRunAreRemoved) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    mkdir(own_directory(getpid()).c_str(), 0700);
    const auto loaded = congestion_load(own_directory(getpid()), own_name(getpid()));
    _exit(loaded && *loaded == CongestionLoad::loaded ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(is_registered(own_name(child)));
  sweep_dead_runs();
  EXPECT_FALSE(is_registered(own_name(child)));
  EXPECT_FALSE(directory_exists(own_directory(child)));
}

}  // namespace
}  // namespace sluice
