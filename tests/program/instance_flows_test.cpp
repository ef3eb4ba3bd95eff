// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Entries of all flow maps, joined by 5-tuple (kernel/state/flows.cpp).
#include <gtest/gtest.h>

#include "kernel/instance/instance.h"
#include "kernel/system/map.h"
#include "model/address.h"
#include "model/service.h"
#include "stage.h"

namespace sluice::stage {
namespace {

constexpr const char* kFlowsInstance = "flows";

sluice_flow flow(const char* client, const char* endpoint) {
  const auto from = HostPort::parse(client).value();
  const auto source = Endpoint{from.address, from.port, L4Proto::tcp}.raw();
  const auto destination = Endpoint::parse(endpoint).value().raw();
  return {.source = source.address,
          .destination = destination.address,
          .source_port = source.port,
          .destination_port = destination.port,
          .l4_proto = destination.l4_proto,
          .reserved = {}};
}

class InstanceFlows : public StageTest {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    auto instance = Instance::open_locked(kFlowsInstance);
    ASSERT_TRUE(instance) << instance.error().text;
    instance_.emplace(std::move(*instance));
    translate();
  }
  void TearDown() override {
    if (!instance_) return;
    instance_.reset();
    EXPECT_TRUE(Instance::remove(kFlowsInstance));
  }

  void translate() {
    sluice_translation translation{};
    translation.translated_tuple = behind_;
    translation.backend = 1;
    put("translations", client_, translation);
  }
  void pace(const sluice_flow& key, uint64_t packets) {
    sluice_paced_flow paced{};
    paced.packets = packets;
    put("paced_flows", key, paced);
  }
  template <typename Value>
  void put(const char* name, const sluice_flow& key, const Value& value) {
    auto map = Map<sluice_flow, Value>::open(instance_->directory(), name);
    ASSERT_TRUE(map) << map.error().text;
    EXPECT_TRUE(map->put(key, value));
  }
  // The only record.
  FlowRecord record() {
    const auto records = instance_->flows();
    EXPECT_TRUE(records) << records.error().text;
    EXPECT_EQ(records->size(), 1U);
    return records->empty() ? FlowRecord{} : records->front();
  }

  const sluice_flow client_ = flow("198.51.100.7:40000", "203.0.113.10:443/tcp");
  const sluice_flow behind_ = flow("10.0.0.1:33000", "10.0.0.11:8443/tcp");
  std::optional<Instance> instance_;
};

TEST_F(InstanceFlows, AnEntryBehindATranslationBelongsToTheClientsFlow) {
  pace(behind_, 3);
  const FlowRecord found = record();
  EXPECT_EQ(memcmp(&found.flow, &client_, sizeof(client_)), 0);
  ASSERT_TRUE(found.paced);
  EXPECT_EQ(found.paced->packets, 3U);
}

TEST_F(InstanceFlows, AnEntryWithTheClientsTupleHasPrecedence) {
  pace(client_, 7);
  pace(behind_, 3);
  const FlowRecord found = record();
  ASSERT_TRUE(found.paced);
  EXPECT_EQ(found.paced->packets, 7U) << "it covers both directions";
}

TEST_F(InstanceFlows, AFlowWithoutEntriesBehindItsTranslationIsKept) {
  pace(client_, 7);
  put("flows", behind_, sluice_tracked_flow{});
  ASSERT_TRUE(record().paced);
}

}  // namespace
}  // namespace sluice::stage
