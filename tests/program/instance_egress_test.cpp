// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Device settings that come with pace: gso_max_segs. Set, set again, changed by other software,
// restored; by command and by file. fq, which this kernel may lack, is tested in
// tests/vm/guest/pace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include <cstdlib>

#include "kernel/device/attach.h"
#include "kernel/device/egress.h"
#include "kernel/device/segments.h"
#include "kernel/instance/instance.h"
#include "kernel/instance/instance_ports.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/routes.h"
#include "stage.h"

namespace sluice::stage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kEgressName = "egress";
constexpr const char* kEgressDevice = "egress.0";
constexpr uint32_t kOwn = 40;  // what the device had

void shell(const std::string& command) {
  ASSERT_EQ(system(command.c_str()), 0) << command;
}

class InstanceEgress : public StageTest {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    make_device();
    if (instance_) return;
    auto instance = Instance::open_locked(kEgressName);
    ASSERT_TRUE(instance) << instance.error().text;
    instance_.emplace(std::move(*instance));
  }
  void TearDown() override {
    if (IsSkipped()) return;
    if (instance_) {
      EXPECT_TRUE(detach(*instance_, Component::pace, kEgressDevice));
    }
    shell(fmt::format("ip link del {} 2>/dev/null || true", kEgressDevice));
  }
  static void TearDownTestSuite() {
    if (!instance_) return;
    instance_.reset();
    EXPECT_TRUE(Instance::remove(kEgressName));
  }

  static void make_device() {
    shell(
        fmt::format("ip link add {0} type veth peer name far.0 && "
                    "ip link set {0} up gso_max_segs {1}",
                    kEgressDevice, kOwn));
  }
  static void other_software_sets(uint32_t packets) {
    shell(fmt::format("ip link set {} gso_max_segs {}", kEgressDevice, packets));
  }
  // As ip-link(8) shows it.
  static uint32_t on_device() {
    const std::string command = fmt::format(
        "ip -d link show {} | sed -n 's/.*gso_max_segs \\([0-9]*\\).*/\\1/p'", kEgressDevice);
    FILE* output = popen(command.c_str(), "r");
    uint32_t packets = 0;
    EXPECT_EQ(fscanf(output, "%u", &packets), 1);
    pclose(output);
    return packets;
  }
  static AttachReport attach_pace(std::optional<uint32_t> packets) {
    auto report = attach(*instance_, Component::pace, kEgressDevice, {.gso_max_segs = packets});
    EXPECT_TRUE(report) << report.error().text;
    return report ? *report : AttachReport{};
  }
  static EgressReport detach_pace() {
    auto report = detach(*instance_, Component::pace, kEgressDevice);
    EXPECT_TRUE(report) << report.error().text;
    return report ? report->egress : EgressReport{};
  }
  static std::string segments() { return instance_->directory() + "/segments"; }
  static std::vector<std::string> tracked() {
    return directory_exists(segments()) ? list_directory(segments()).value()
                                        : std::vector<std::string>{};
  }
  static std::string record(uint32_t before, uint32_t now) {
    return fmt::format("{}-{}-{}@{}", if_nametoindex(kEgressDevice), before, now,
                       network_namespace_id());
  }
  static void put_record(uint32_t before, uint32_t now) {
    ASSERT_TRUE(make_directory(segments()));
    ASSERT_TRUE(make_directory(segments() + "/" + record(before, now)));
  }
  static Desired desired(std::optional<uint32_t> packets) {
    Desired desired;
    desired.attachments = {{.device = kEgressDevice,
                            .component = Component::pace,
                            .settings = {.gso_max_segs = packets}}};
    return desired;
  }
  static std::vector<std::string> applied(const Desired& desired, Apply apply = Apply::perform) {
    const auto done = apply_configuration(*instance_, desired, apply);
    EXPECT_TRUE(done) << done.error().text;
    return done ? done->changes : std::vector<std::string>{};
  }

  // Hides a program, so that it cannot be attached.
  class Without {
   public:
    explicit Without(const char* program) : path_(instance_->directory() + "/programs/" + program) {
      EXPECT_TRUE(rename_path(path_, path_ + "_away"));
    }
    ~Without() { EXPECT_TRUE(rename_path(path_ + "_away", path_)); }
    Without(const Without&) = delete;
    Without& operator=(const Without&) = delete;

   private:
    std::string path_;
  };

  static std::optional<Instance> instance_;
};

std::optional<Instance> InstanceEgress::instance_;

TEST_F(InstanceEgress, ADryRunPredictsFqWithAndWithoutSupportOfTheKernel) {
  Desired wanted = desired({});
  wanted.attachments->front().settings.fq = true;
  const auto shown = applied(wanted, Apply::only_show);
  EXPECT_EQ(applied(wanted), shown);
  EXPECT_THAT(applied(wanted, Apply::only_show), IsEmpty());
  EXPECT_THAT(applied(wanted), IsEmpty());
}

TEST_F(InstanceEgress, TheLimitIsSetAndRestoredOnDetach) {
  EXPECT_THAT(attach_pace(1).changes,
              ElementsAre("device egress.0: gso_max_segs 1, in place of 40"));
  EXPECT_EQ(on_device(), 1u);
  EXPECT_THAT(detach_pace().changes, ElementsAre("device egress.0: gso_max_segs 40 again"));
  EXPECT_EQ(on_device(), kOwn);
  EXPECT_THAT(tracked(), IsEmpty());
}

TEST_F(InstanceEgress, WithoutSettingsTheDeviceStaysUnchanged) {
  EXPECT_THAT(attach_pace({}).changes, IsEmpty());
  EXPECT_EQ(on_device(), kOwn);
  EXPECT_THAT(attach_pace(2).changes, SizeIs(1));
  EXPECT_THAT(attach_pace({}).changes, IsEmpty());
  EXPECT_EQ(on_device(), 2u);
}

TEST_F(InstanceEgress, ASecondLimitKeepsTheOriginalValueToRestore) {
  attach_pace(1);
  const AttachReport same = attach_pace(1);
  EXPECT_TRUE(same.already);
  EXPECT_THAT(same.changes, IsEmpty());
  EXPECT_THAT(attach_pace(4).changes,
              ElementsAre("device egress.0: gso_max_segs 4, in place of 1"));
  EXPECT_EQ(on_device(), 4u);
  EXPECT_THAT(tracked(), ElementsAre(record(kOwn, 4)));
  detach_pace();
  EXPECT_EQ(on_device(), kOwn);
}

TEST_F(InstanceEgress, AValueOfOtherSoftwareStaysOnDetach) {
  attach_pace(1);
  other_software_sets(7);
  EXPECT_FALSE(egress_of(instance_->directory(), kEgressDevice)->gso_max_segs);
  const EgressReport report = detach_pace();
  EXPECT_THAT(report.notes, ElementsAre("device egress.0: gso_max_segs is 7, set by other "
                                        "software after sluice, and stays so"));
  EXPECT_THAT(report.changes, IsEmpty());
  EXPECT_EQ(on_device(), 7u);
  EXPECT_THAT(tracked(), IsEmpty());
}

TEST_F(InstanceEgress, AValueOfOtherSoftwareIsRestoredAfterASecondLimit) {
  attach_pace(1);
  other_software_sets(7);
  attach_pace(1);
  EXPECT_EQ(on_device(), 1u);
  detach_pace();
  EXPECT_EQ(on_device(), 7u);
}

TEST_F(InstanceEgress, ALimitEqualToTheDevicesValueIsNotRecorded) {
  EXPECT_THAT(attach_pace(kOwn).changes, IsEmpty());
  EXPECT_THAT(tracked(), IsEmpty());
  other_software_sets(7);
  EXPECT_THAT(detach_pace().notes, IsEmpty());
  EXPECT_EQ(on_device(), 7u);
}

TEST_F(InstanceEgress, TheRecordOfARemovedDeviceIsPurged) {
  attach_pace(1);
  shell(fmt::format("ip link del {}", kEgressDevice));
  EXPECT_TRUE(detach(*instance_, Component::pace, kEgressDevice)->detached);
  EXPECT_THAT(tracked(), IsEmpty());
}

TEST_F(InstanceEgress, ADeviceCreatedAnewUnderTheSameNameHasNoRecord) {
  attach_pace(1);
  shell(fmt::format("ip link del {}", kEgressDevice));
  make_device();
  attach_pace({});
  EXPECT_EQ(on_device(), kOwn);
  other_software_sets(1);
  EXPECT_FALSE(egress_of(instance_->directory(), kEgressDevice)->gso_max_segs);
  detach_pace();
  EXPECT_EQ(on_device(), 1u);
}

TEST_F(InstanceEgress, ARecordOfAnotherNetworkNamespaceIsNotUsed) {
  other_software_sets(1);
  const std::string there = fmt::format("{}/{}-9-1@1", segments(), if_nametoindex(kEgressDevice));
  ASSERT_TRUE(make_directory(segments()));
  ASSERT_TRUE(make_directory(there));
  EXPECT_FALSE(egress_of(instance_->directory(), kEgressDevice)->gso_max_segs);
  attach_pace({});
  detach_pace();
  EXPECT_EQ(on_device(), 1u);
  EXPECT_THAT(tracked(), SizeIs(1)) << "it belongs to the other namespace";
  EXPECT_TRUE(remove_tree(there));
}

TEST_F(InstanceEgress, AKilledCommandLeavesTheValueToRestore) {
  put_record(kOwn, 1);  // killed before the device was changed
  EXPECT_THAT(detach_pace().notes, IsEmpty());
  EXPECT_EQ(on_device(), kOwn);
  EXPECT_THAT(tracked(), IsEmpty());

  attach_pace(1);
  put_record(kOwn, 4);  // killed before the second change
  detach_pace();
  EXPECT_EQ(on_device(), kOwn);

  attach_pace(4);
  put_record(kOwn, 1);  // killed after the second change
  EXPECT_EQ(egress_of(instance_->directory(), kEgressDevice)->gso_max_segs, 4u);
  detach_pace();
  EXPECT_EQ(on_device(), kOwn);
  EXPECT_THAT(tracked(), IsEmpty());
}

TEST_F(InstanceEgress, AFailedAttachLeavesTheDeviceUnchanged) {
  const Without egress("pace_egress");
  EXPECT_FALSE(attach(*instance_, Component::pace, kEgressDevice, {.gso_max_segs = 1}));
  EXPECT_EQ(on_device(), kOwn);
  EXPECT_THAT(tracked(), IsEmpty());
}

TEST_F(InstanceEgress, RemovingTheInstanceRestoresTheValue) {
  constexpr const char* name = "egress-gone";
  {
    auto instance = Instance::open_locked(name);
    ASSERT_TRUE(instance) << instance.error().text;
    ASSERT_TRUE(attach(*instance, Component::pace, kEgressDevice, {.gso_max_segs = 1}));
  }
  EXPECT_EQ(on_device(), 1u);
  EXPECT_TRUE(Instance::remove(name));
  EXPECT_EQ(on_device(), kOwn);
}

TEST_F(InstanceEgress, AFileSetsTheLimitAndAnotherNumberIsAChange) {
  EXPECT_THAT(applied(desired(1)), ElementsAre("device egress.0: gso_max_segs 1, in place of 40",
                                               "pace: attached to egress.0"));
  EXPECT_THAT(applied(desired(1)), IsEmpty());
  EXPECT_THAT(applied(desired({})), IsEmpty());
  const auto change = ElementsAre("device egress.0: gso_max_segs 4, in place of 1");
  EXPECT_THAT(applied(desired(4), Apply::only_show), change);
  EXPECT_EQ(on_device(), 1u);
  EXPECT_THAT(applied(desired(4)), change);
  EXPECT_EQ(on_device(), 4u);
  const auto running = running_configuration(*instance_);
  ASSERT_TRUE(running) << running.error().text;
  EXPECT_EQ(running->attachments, desired(4).attachments);
  Desired nothing;
  nothing.attachments.emplace();
  EXPECT_THAT(applied(nothing), ElementsAre("pace: detached from egress.0"));
  EXPECT_EQ(on_device(), kOwn);
}

TEST_F(InstanceEgress, ChangesOfAFileAreRevertedIfALaterAttachmentFails) {
  const Without decap("decap");
  Desired fails = desired(4);
  fails.attachments->push_back({.device = kEgressDevice, .component = Component::decap});
  EXPECT_FALSE(apply_configuration(*instance_, fails, Apply::perform));
  EXPECT_EQ(on_device(), kOwn);
  EXPECT_THAT(attachments(*instance_).value(), IsEmpty());

  attach_pace(1);
  EXPECT_FALSE(apply_configuration(*instance_, fails, Apply::perform));
  EXPECT_EQ(on_device(), 1u);
  EXPECT_THAT(tracked(), ElementsAre(record(kOwn, 1)));
  EXPECT_THAT(attachments(*instance_).value(), SizeIs(1));

  detach_pace();
  attach_pace({});
  EXPECT_FALSE(apply_configuration(*instance_, fails, Apply::perform));
  EXPECT_EQ(on_device(), kOwn);
  EXPECT_THAT(tracked(), IsEmpty());
}

}  // namespace
}  // namespace sluice::stage
