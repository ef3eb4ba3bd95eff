// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Instances that several processes create at once: the lock on the root of bpffs decides.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "kernel/instance/instance.h"
#include "stage.h"

namespace sluice::stage {
namespace {

constexpr const char* kTwice = "twice";
constexpr InstanceLimits kSmall{.services = 4, .backends = 8, .flows = 1024};

class InstanceCreate : public StageTest {
 protected:
  void TearDown() override { (void)Instance::remove(kTwice); }
};

TEST_F(InstanceCreate, OneOfManyAtOnceCreatesItAndAllSucceed) {
  constexpr size_t count = 4;
  std::vector<Result<bool>> created(count, false);
  std::vector<std::thread> creators;
  for (size_t i = 0; i < count; i++)
    creators.emplace_back([&created, i] { created[i] = Instance::create(kTwice, kSmall); });
  for (std::thread& creator : creators) creator.join();
  for (const Result<bool>& each : created) EXPECT_TRUE(each) << each.error().text;
  EXPECT_TRUE(Instance::open(kTwice));
}

TEST_F(InstanceCreate, WithOtherLimitsIsRefusedWhileTheFirstIsBeingCreated) {
  Result<bool> other = false;
  std::thread late([&other] {
    other = Instance::create(kTwice, {.services = 5, .backends = 8, .flows = 1024});
  });
  const Result<bool> first = Instance::create(kTwice, kSmall);
  late.join();
  EXPECT_NE(first.has_value(), other.has_value());
  const std::string& text = first ? other.error().text : first.error().text;
  EXPECT_NE(text.find("exists already, for "), std::string::npos) << text;
}

}  // namespace
}  // namespace sluice::stage
