// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The control plane's writes in real maps: services of every kind, prefixes, the address filter,
// source filters, records of backends.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>

#include "control/changes.h"
#include "kernel/instance/instance.h"
#include "kernel/state/records.h"
#include "kernel/system/map.h"
#include "stage.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include "pure/hash.h"
#pragma GCC diagnostic pop

namespace sluice::stage {
namespace {

constexpr const char* kTablesInstance = "tables";

class InstanceTables : public StageTest {
 protected:
  void SetUp() override {
    StageTest::SetUp();
    if (IsSkipped()) return;
    auto instance = Instance::open_locked(kTablesInstance);
    ASSERT_TRUE(instance) << instance.error().text;
    instance_.emplace(std::move(*instance));
  }
  void TearDown() override {
    if (!instance_) return;
    instance_.reset();
    EXPECT_TRUE(Instance::remove(kTablesInstance));
  }
  void add(const char* name, const char* endpoint, const ServicePatch& settings = {}) {
    const auto added =
        service_add(plane(), name, Endpoint::parse(endpoint).value(), settings, Apply::perform);
    ASSERT_TRUE(added) << added.error().text;
  }
  void add_backend(const char* service, const char* at) {
    const auto added =
        backend_add(plane(), service, HostPort::parse(at).value(), 100, Apply::perform);
    ASSERT_TRUE(added) << added.error().text;
  }
  void filter(FilterAction action, const char* prefix) {
    const auto added =
        filter_add(plane(), "web", Prefix::parse(prefix).value(), action, Apply::perform);
    ASSERT_TRUE(added) << added.error().text;
  }
  Dataplane plane() { return instance_->dataplane(); }
  template <typename Key, typename Value>
  Map<Key, Value> map(const char* name) {
    auto opened = Map<Key, Value>::open(instance_->directory(), name);
    EXPECT_TRUE(opened) << opened.error().text;
    return std::move(*opened);
  }
  uint32_t features() { return address_filter().features; }
  sluice_address_filter address_filter() {
    return map<uint32_t, sluice_address_filter>("address_filter").find(0)->value();
  }
  bool may_have(const char* address) {
    const auto root = map<uint32_t, sluice_instance>("instance").find(0)->value();
    uint64_t halves[2];
    memcpy(halves, Address::parse(address)->raw().bytes, sizeof(halves));
    const uint32_t bit =
        address_filter_bit(address_hash_sum(root.seed.words, halves[0], halves[1]));
    return (address_filter().words[bit / 64] >> (bit % 64) & 1) != 0;
  }
  // Look-up in the trie of prefixes; service 0: no match.
  sluice_service_entry in_prefixes(const char* address, uint16_t port, L4Proto l4_proto) {
    auto prefixes = map<sluice_prefix_key, sluice_service_entry>("service_prefixes");
    const auto found = prefixes.find(prefix_key({Address::parse(address).value(), port, l4_proto}));
    return found->value_or(sluice_service_entry{});
  }
  // Look-up in the trie of source filters; 0: no match.
  uint32_t action_for(const char* client) {
    auto filters = map<sluice_filter_key, uint32_t>("source_filters");
    Filter asked;
    asked.service = 1;
    asked.prefix.address = Address::parse(client).value();
    return filters.find(filter_key(asked))->value_or(0);
  }
  size_t table_entries() {
    auto outer = map<uint32_t, uint32_t>("service_tables");
    const Fd inner(bpf_map_get_fd_by_id(outer.find(0)->value()));
    bpf_map_info info{};
    uint32_t info_bytes = sizeof(info);
    EXPECT_EQ(bpf_obj_get_info_by_fd(inner.get(), &info, &info_bytes), 0);
    size_t used = 0;
    for (uint32_t i = 0; i < info.max_entries; i++) {
      sluice_service_bucket bucket{};
      EXPECT_EQ(bpf_map_lookup_elem(inner.get(), &i, &bucket), 0);
      for (const auto& entry : bucket.entries) used += entry.used;
    }
    return used;
  }

  std::optional<Instance> instance_;
};

TEST_F(InstanceTables, TheAddressFilterHasTheBitsOfExistingServicesOnly) {
  EXPECT_FALSE(may_have("203.0.113.10"));
  EXPECT_EQ(features(), 0U);
  add("web", "203.0.113.10:80/tcp");
  EXPECT_TRUE(may_have("203.0.113.10"));
  EXPECT_EQ(features(), uint32_t{SLUICE_FEATURE_ANY_PORT});
  add("nat", "203.0.113.11:80/tcp", {{&Service::mode, Mode::nat}});
  const std::string backend = packets::address_text(packets::backend_one.v4);
  add_backend("nat", (backend + ":80").c_str());
  EXPECT_TRUE(may_have(backend.c_str()));
  EXPECT_EQ(features(), uint32_t{SLUICE_FEATURE_ANY_PORT | SLUICE_FEATURE_NAT});
  EXPECT_EQ(table_entries(), 5U);
  ASSERT_TRUE(service_remove(plane(), "nat", Apply::perform));
  EXPECT_FALSE(may_have(backend.c_str()));
  EXPECT_EQ(features(), uint32_t{SLUICE_FEATURE_ANY_PORT});
  EXPECT_EQ(table_entries(), 2U);
}

TEST_F(InstanceTables, PrefixesAreFoundByTheLongestMatchOfTheirPort) {
  add("wide", "203.0.113.0/24:80/tcp", {{&Service::mode, Mode::ipip}});
  add("narrow", "203.0.113.128/25:443/tcp", {{&Service::mode, Mode::ipip}});
  add("wide6", "[2001:db8::/64]:0/udp", {{&Service::mode, Mode::ipip}});
  EXPECT_EQ(features() & SLUICE_FEATURE_PREFIXES, uint32_t{SLUICE_FEATURE_PREFIXES});
  EXPECT_TRUE(may_have("198.51.100.99"));
  EXPECT_EQ(in_prefixes("203.0.113.200", 80, L4Proto::tcp).service, 1U);
  EXPECT_EQ(in_prefixes("203.0.113.200", 443, L4Proto::tcp).service, 2U);
  EXPECT_EQ(in_prefixes("203.0.113.10", 443, L4Proto::tcp).service, 0U);
  EXPECT_EQ(in_prefixes("203.0.113.10", 80, L4Proto::udp).service, 0U);
  EXPECT_EQ(in_prefixes("2001:db8::77", 0, L4Proto::udp).service, 3U);
  EXPECT_EQ(in_prefixes("203.0.113.200", 0, L4Proto::icmp).service, 2U);
  EXPECT_EQ(in_prefixes("203.0.113.10", 0, L4Proto::icmp).service, 1U);
  EXPECT_EQ(in_prefixes("203.0.113.10", 0, L4Proto::icmp).flags, uint32_t{SLUICE_SERVICE_ADDRESS});
  EXPECT_EQ(table_entries(), 0U);

  ASSERT_TRUE(service_remove(plane(), "narrow", Apply::perform));
  EXPECT_EQ(in_prefixes("203.0.113.200", 443, L4Proto::tcp).service, 0U);
  EXPECT_EQ(in_prefixes("203.0.113.200", 0, L4Proto::icmp).service, 1U);
  ASSERT_TRUE(service_remove(plane(), "wide", Apply::perform));
  ASSERT_TRUE(service_remove(plane(), "wide6", Apply::perform));
  EXPECT_EQ(features(), 0U);
  EXPECT_FALSE(may_have("198.51.100.99"));
}

TEST_F(InstanceTables, ThePolicyOfAPrefixIsInItsEntry) {
  add("wide", "203.0.113.0/24:80/tcp", {{&Service::mode, Mode::ipip}});
  ASSERT_TRUE(policy_set(plane(), "wide",
                         {{&Policy::window_bytes, 65536}, {&Policy::connections_per_sec, 100}},
                         Apply::perform));
  EXPECT_EQ(in_prefixes("203.0.113.1", 80, L4Proto::tcp).flags,
            uint32_t{SLUICE_SERVICE_WINDOWED | SLUICE_SERVICE_LIMITED});
}

TEST_F(InstanceTables, FiltersAreFoundByTheLongestMatch) {
  add("web", "203.0.113.10:80/tcp");
  filter(FilterAction::allow, "198.51.100.0/24");
  filter(FilterAction::deny, "198.51.100.7");
  filter(FilterAction::deny, "0.0.0.0/0");
  EXPECT_EQ(action_for("198.51.100.8"), uint32_t{SLUICE_FILTER_ALLOW});
  EXPECT_EQ(action_for("198.51.100.7"), uint32_t{SLUICE_FILTER_DENY});
  EXPECT_EQ(action_for("192.0.2.1"), uint32_t{SLUICE_FILTER_DENY});
  const auto prefix = Prefix::parse("198.51.100.7").value();
  ASSERT_TRUE(filter_remove(plane(), "web", prefix, Apply::perform));
  EXPECT_EQ(action_for("198.51.100.7"), uint32_t{SLUICE_FILTER_ALLOW});
  EXPECT_EQ(plane().configuration.filters()->size(), 2U);
  ASSERT_TRUE(filter_clear(plane(), "web", Apply::perform));
  EXPECT_EQ(action_for("198.51.100.8"), 0U);
}

TEST_F(InstanceTables, ARouteHasTheNeighbourPropertyAndTheMtu) {
  const auto near = plane().packet_path.route_towards(Address(packets::backend_one.v4));
  ASSERT_TRUE(near) << near.error().text;
  EXPECT_EQ(*near, (Route{Address(packets::director.v4), true, 1500}));
  const auto near6 = plane().packet_path.route_towards(Address(packets::backend_one.v6));
  ASSERT_TRUE(near6) << near6.error().text;
  EXPECT_EQ(*near6, (Route{Address(packets::director.v6), true, 1500}));
  const auto far = plane().packet_path.route_towards(Address(backend_far.v4));
  ASSERT_TRUE(far) << far.error().text;
  EXPECT_FALSE(far->on_link);
  const auto far6 = plane().packet_path.route_towards(Address(backend_far.v6));
  ASSERT_TRUE(far6) << far6.error().text;
  EXPECT_FALSE(far6->on_link);
  const auto own = plane().packet_path.route_towards(Address(packets::director.v4));
  ASSERT_TRUE(own) << own.error().text;
  EXPECT_FALSE(own->on_link);
  EXPECT_FALSE(plane().packet_path.route_towards(Address(backend_lost.v4)));
}

TEST_F(InstanceTables, TheOptionsOfAServiceAreReadBack) {
  add("all", "203.0.113.0/24:0/udp",
      {{&Service::mode, Mode::gue},
       {&Service::affinity, Affinity::client_service},
       {&Service::gue_variant, 0},
       {&Service::quic, true}});
  const auto services = plane().configuration.services();
  ASSERT_TRUE(services);
  ASSERT_EQ(services->size(), 1U);
  const Service& service = services->front();
  EXPECT_EQ(service.endpoint.text(), "203.0.113.0/24:0/udp");
  EXPECT_EQ(service.mode, Mode::gue);
  EXPECT_EQ(service.affinity, Affinity::client_service);
  EXPECT_EQ(service.gue_variant, 0);
  EXPECT_TRUE(service.quic);
}

}  // namespace
}  // namespace sluice::stage
