// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Fixture of the congestion control's tests: a private network namespace and instance directory,
// and a registration that is removed at the end of each test, also after a failure.
#pragma once

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>

#include "kernel/congestion/control.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/fd.h"
#include "program/bulk_flow.h"
#include "sluice/congestion.h"
#include "sluice/policy.h"

namespace sluice::bulk {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

inline constexpr uint32_t kService = 7;
inline constexpr uint16_t kPort = 8080;
inline constexpr uint32_t kMbit = 125000;  // bytes a second
// Headers are 3.6 % of an IPv4 packet here, so a rate without them exceeds this.
inline constexpr double kTolerance = 0.03;
inline constexpr const char* kPrefix =
    "scct";  // prefix of the names of registrations and directories; the pid follows

inline std::string own_name(pid_t pid) {
  return kPrefix + std::to_string(pid);
}
inline std::string own_directory(pid_t pid) {
  return std::string(kBpffsRoot) + "/" + own_name(pid);
}

// Of a wait, if nothing else renews it. On a busy machine the tests run beside others at low
// priority.
inline constexpr std::chrono::seconds kPatience = 60s;

inline bool wait_until(const std::function<bool()>& condition) {
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return condition();
}

inline std::vector<std::string> registered() {
  std::vector<std::string> names;
  if (auto controls = congestion_list())
    for (const auto& control : *controls) names.push_back(control.name);
  return names;
}

inline bool is_registered(const std::string& name) {
  const auto names = registered();
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Removes registrations and pins that killed runs left behind.
inline void sweep_dead_runs() {
  auto entries = list_directory(kBpffsRoot);
  std::vector<std::string> names = registered();
  if (entries) names.insert(names.end(), entries->begin(), entries->end());
  for (const std::string& name : names) {
    if (!name.starts_with(kPrefix)) continue;
    const pid_t pid = std::atoi(name.c_str() + std::strlen(kPrefix));
    if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH) continue;
    (void)congestion_unload(own_directory(pid), name);
    (void)remove_tree(own_directory(pid));
  }
}

class CongestionFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    struct statfs filesystem {};
    constexpr auto bpffs_magic = 0xcafe4a11;
    if (statfs(kBpffsRoot, &filesystem) != 0 ||
        static_cast<uint32_t>(filesystem.f_type) != bpffs_magic)
      GTEST_SKIP() << "bpffs is not mounted on " << kBpffsRoot;
    if (const std::string why = congestion_unsupported(); !why.empty()) GTEST_SKIP() << why;
    if (const std::string why = enter_fresh_namespace(); !why.empty()) GTEST_SKIP() << why;
    sweep_dead_runs();
    ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0) << directory_ << ": " << strerror(errno);
    ready_ = true;
  }

  void TearDown() override {
    if (!ready_) return;
    auto unloaded = congestion_unload(directory_, name_);
    EXPECT_TRUE(unloaded) << unloaded.error().text;
    auto removed = remove_tree(directory_);
    EXPECT_TRUE(removed) << removed.error().text;
    EXPECT_FALSE(is_registered(name_));
  }

  void load() {
    auto loaded = congestion_load(directory_, name_);
    ASSERT_TRUE(loaded) << loaded.error().text;
    ASSERT_EQ(*loaded, CongestionLoad::loaded);
    flows_.reset(bpf_obj_get((directory_ + "/congestion_flows").c_str()));
    policies_.reset(bpf_obj_get((directory_ + "/policies").c_str()));
    endpoints_.reset(bpf_obj_get((directory_ + "/endpoints").c_str()));
    ASSERT_TRUE(flows_.valid() && policies_.valid() && endpoints_.valid());
  }

  void serve(const sluice_endpoint& endpoint) {
    ASSERT_EQ(bpf_map_update_elem(endpoints_.get(), &endpoint, &kService, BPF_ANY), 0);
  }

  void set_policy(uint64_t rate_bytes_per_sec, uint32_t window_bytes) {
    sluice_policy policy{};
    policy.flow_rate_bytes_per_sec = rate_bytes_per_sec;
    policy.window_bytes = window_bytes;
    ASSERT_EQ(bpf_map_update_elem(policies_.get(), &kService, &policy, BPF_ANY), 0);
  }

  std::optional<sluice_congestion_flow> find(const sluice_flow& name) {
    sluice_congestion_flow found{};
    if (bpf_map_lookup_elem(flows_.get(), &name, &found) != 0) return std::nullopt;
    return found;
  }

  // Marks and losses come with packets, and how many packets pass in a second depends on the
  // machine: each megabyte renews the wait. No test needs more than 60 MB.
  bool wait_for(const BulkFlow& flow,
                const std::function<bool(const sluice_congestion_flow&)>& condition) {
    constexpr uint64_t megabyte = 1 << 20;
    constexpr uint64_t most_bytes = 256 * megabyte;
    const uint64_t first = flow.received();
    uint64_t renewed_at = first;
    for (auto end = Clock::now() + kPatience;;) {
      const auto now = find(flow.name());
      if (now && condition(*now)) return true;
      if (Clock::now() >= end) return false;
      if (flow.received() >= renewed_at + megabyte && renewed_at - first < most_bytes) {
        renewed_at = flow.received();
        end = Clock::now() + kPatience;
      }
      std::this_thread::sleep_for(5ms);
    }
  }

  // The flow's rate on the wire as a multiple of `rate`: in the first interval of half a second
  // that is within kTolerance, otherwise in the last of many.
  double share_of(const BulkFlow& flow, double rate) {
    double share = 0;
    for (int interval = 0; interval < 20; ++interval) {
      const auto began = Clock::now();
      const uint64_t before = flow.wire_bytes();
      std::this_thread::sleep_for(500ms);
      const auto sent = static_cast<double>(flow.wire_bytes() - before);
      share = sent / std::chrono::duration<double>(Clock::now() - began).count() / rate;
      if (std::abs(share - 1) < kTolerance) break;
    }
    return share;
  }

  // Does the kernel's own pacing reach this rate here? Its timers may be too late.
  bool machine_can_pace(double rate) {
    BulkFlow flow("reno", Family::v4, kPort + 1);
    flow.pace(static_cast<uint64_t>(rate * 1448 / 1500));
    flow.send_without_end();
    std::this_thread::sleep_for(300ms);
    return std::abs(share_of(flow, rate) - 1) < kTolerance;
  }

  const std::string name_ = own_name(getpid());
  const std::string directory_ = own_directory(getpid());
  Fd flows_, policies_, endpoints_;
  bool ready_ = false;
};

}  // namespace sluice::bulk
