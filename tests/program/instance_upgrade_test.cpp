// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Upgrade of an instance whose release record names another version: success, refusal, and an
// upgrade that was killed. Two real versions are tested in tests/lab/upgrade_test.sh.
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "control/changes.h"
#include "kernel/device/attach.h"
#include "kernel/device/hook.h"
#include "kernel/instance/instance.h"
#include "kernel/instance/upgrade.h"
#include "kernel/state/objects.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/map.h"
#include "kernel/system/routes.h"
#include "stage.h"

namespace sluice::stage {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr const char* kUpgradeInstance = "upgraded";
constexpr const char* kUpgradeDevice = "front";

class InstanceUpgrade : public StageTest {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    auto instance = Instance::open_locked(kUpgradeInstance);
    ASSERT_TRUE(instance) << instance.error().text;
    const auto endpoint = Endpoint::parse("203.0.113.10:80/tcp").value();
    ASSERT_TRUE(service_add(instance->dataplane(), "web", endpoint, {}, Apply::perform));
    ASSERT_TRUE(attach(*instance, Component::steer, kUpgradeDevice, {}));
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_TRUE(Instance::remove(kUpgradeInstance));
  }
  static void set_other_release() {
    auto releases = Map<uint32_t, sluice_release>::open(directory_ + "/programs", "release");
    ASSERT_TRUE(releases) << releases.error().text;
    ASSERT_TRUE(releases->put(0, {.version = "0.0.9", .fingerprint = 9}));
  }
  static uint32_t program(const std::string& path) {
    const Fd fd(bpf_obj_get((directory_ + "/" + path).c_str()));
    bpf_prog_info info{};
    uint32_t info_bytes = sizeof(info);
    EXPECT_EQ(bpf_obj_get_info_by_fd(fd.get(), &info, &info_bytes), 0) << path;
    return info.id;
  }
  static std::string link() {
    return "links/steer-native-" + std::string(kUpgradeDevice) + "@" + network_namespace_id();
  }
  static uint32_t attached() {
    const Fd fd(bpf_obj_get((directory_ + "/" + link()).c_str()));
    bpf_link_info info{};
    uint32_t info_bytes = sizeof(info);
    EXPECT_EQ(bpf_obj_get_info_by_fd(fd.get(), &info, &info_bytes), 0);
    return info.prog_id;
  }
  static bool is_there(const std::string& path) {
    return access((directory_ + "/" + path).c_str(), F_OK) == 0;
  }
  static void expect_whole() {
    EXPECT_EQ(attached(), program("programs/steer"));
    EXPECT_FALSE(is_there("next"));
  }
  // The state of an upgrade that is killed before its exchange.
  static void load_next() {
    const auto root = instance_root(directory_);
    ASSERT_TRUE(root) << root.error().text;
    const auto loaded = load_beside(directory_, directory_ + "/next", {}, *root);
    ASSERT_TRUE(loaded) << loaded.error().text;
    const Fd steer(bpf_obj_get((directory_ + "/next/steer").c_str()));
    ASSERT_TRUE(link_swap(directory_ + "/" + link(), steer.get()).value());
  }

  static inline const std::string directory_ = instance_directory(kUpgradeInstance);
};

TEST_F(InstanceUpgrade, TheSameVersionChangesNothing) {
  const uint32_t before = attached();
  const auto report = upgrade(kUpgradeInstance, Apply::perform);
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_FALSE(report->changed);
  EXPECT_EQ(attached(), before);
  EXPECT_EQ(other_release_note(directory_).value(), "");
}

TEST_F(InstanceUpgrade, AnotherVersionGetsTheNewProgramsEverywhere) {
  set_other_release();
  EXPECT_THAT(other_release_note(directory_).value(),
              HasSubstr("sluice instance upgrade upgraded"));
  const uint32_t before = attached();
  const auto report = upgrade(kUpgradeInstance, Apply::perform);
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_TRUE(report->changed);
  EXPECT_EQ(report->from.version, "0.0.9");
  EXPECT_THAT(report->swapped, Contains("steer on front, native"));
  EXPECT_NE(attached(), before);
  expect_whole();
  EXPECT_EQ(loaded_release(directory_).value(), own_release());
  EXPECT_FALSE(upgrade(kUpgradeInstance, Apply::perform).value().changed);
}

TEST_F(InstanceUpgrade, ADryRunChangesNothing) {
  set_other_release();
  const uint32_t before = attached();
  const auto report = upgrade(kUpgradeInstance, Apply::only_show);
  ASSERT_TRUE(report) << report.error().text;
  EXPECT_TRUE(report->changed);
  EXPECT_THAT(report->swapped, Contains("steer on front, native"));
  EXPECT_EQ(attached(), before);
  expect_whole();
}

TEST_F(InstanceUpgrade, MapsThatTheOldVersionLacksAreCreated) {
  set_other_release();
  ASSERT_TRUE(remove_pin(directory_ + "/fragments"));
  // The hint that every command gives for such an instance.
  ASSERT_TRUE(remove_pin(directory_ + "/endpoints"));
  EXPECT_THAT(Instance::open(kUpgradeInstance).error().text, HasSubstr("sluice instance upgrade"));
  const auto report = upgrade(kUpgradeInstance, Apply::perform);
  ASSERT_TRUE(report) << report.error().text;
  expect_whole();
  EXPECT_TRUE(is_there("fragments"));
  // Their contents are derived from the configuration.
  auto endpoints = Map<sluice_endpoint, uint32_t>::open(directory_, "endpoints");
  ASSERT_TRUE(endpoints) << endpoints.error().text;
  EXPECT_FALSE(endpoints->entries().value().empty());
}

TEST_F(InstanceUpgrade, AMapOfAnotherShapeIsRefusedAndNothingChanges) {
  set_other_release();
  const uint32_t before = attached();
  ASSERT_TRUE(remove_pin(directory_ + "/fragments"));
  const Fd other(bpf_map_create(BPF_MAP_TYPE_ARRAY, "fragments", 4, 8, 1, nullptr));
  ASSERT_EQ(bpf_obj_pin(other.get(), (directory_ + "/fragments").c_str()), 0);
  for (const Apply apply : {Apply::only_show, Apply::perform}) {
    const auto report = upgrade(kUpgradeInstance, apply);
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().text, HasSubstr("map fragments: its type is"));
    EXPECT_THAT(report.error().text, HasSubstr("sluice --instance upgraded export > FILE"));
    EXPECT_EQ(attached(), before);
    expect_whole();
  }
}

TEST_F(InstanceUpgrade, AnUpgradeKilledBeforeItsExchangeIsRevertedByTheNextCommand) {
  const uint32_t before = attached();
  load_next();
  EXPECT_NE(attached(), before);
  ASSERT_TRUE(Instance::open_locked(kUpgradeInstance));
  EXPECT_EQ(attached(), before);
  expect_whole();
}

TEST_F(InstanceUpgrade, AnUpgradeKilledAfterItsExchangeIsFinishedByTheNextCommand) {
  const uint32_t before = attached();
  load_next();
  const Fd steer(bpf_obj_get((directory_ + "/programs/steer").c_str()));
  ASSERT_TRUE(link_swap(directory_ + "/" + link(), steer.get()).value());
  ASSERT_TRUE(exchange_directories(directory_ + "/programs", directory_ + "/next"));
  ASSERT_TRUE(Instance::open_locked(kUpgradeInstance));
  EXPECT_NE(attached(), before);
  expect_whole();
}

TEST_F(InstanceUpgrade, AMissingInstanceIsRefused) {
  EXPECT_THAT(upgrade("nowhere", Apply::perform).error().text, HasSubstr("there is none"));
}

}  // namespace
}  // namespace sluice::stage
