// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Backends added, set and removed: records, rings, replies, and what is refused.
#include <gtest/gtest.h>

#include "unit/support/control_cast.h"

namespace sluice::test {
namespace {

class BackendChanges : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(add_service(dataplane, "web", web_endpoint));
    ASSERT_TRUE(add_service(dataplane, "tunnel", "203.0.113.20:80/tcp", Mode::ipip));
  }
  void TearDown() override {
    EXPECT_EQ(dataplane.contradictions, std::vector<std::string>{});
    EXPECT_EQ(dataplane.memory.pending, 0U);
  }
  [[nodiscard]] const Memory& memory() const { return dataplane.memory; }
  [[nodiscard]] size_t slots(const std::string& where) const {
    return slots_of(ring_in(memory(), "web"), backend_in(memory(), "web", where).number);
  }

  MemoryDataplane dataplane;
};

TEST_F(BackendChanges, AddWritesTheRecordTheRingTheEndpointAndTheReplyAddress) {
  EXPECT_EQ(sentence(add_backend(dataplane, "web", backend_one)),
            "backend 10.0.0.11:8443 of web: added, weight 100");

  const Record record{1, at(backend_one), Mode::snat, BackendState::up, address("10.0.0.1")};
  EXPECT_EQ(memory().records.at(1), record);
  EXPECT_EQ(service_in(memory(), "web").ring_bits, SLUICE_RING_BITS_MIN);
  EXPECT_EQ(slots(backend_one), size_t{1} << SLUICE_RING_BITS_MIN);
  const std::pair<Endpoint, uint32_t> taken{endpoint("10.0.0.11:8443/tcp"), 1};
  EXPECT_EQ(memory().endpoints.at(taken.first), taken.second);
  const TableEntry replies{.endpoint = {.address = address("10.0.0.1"), .l4_proto = L4Proto::any},
                           .flags = SLUICE_SERVICE_REPLIES};
  EXPECT_EQ(memory().table.front(), replies);
  EXPECT_EQ(memory().table.size(), 5U);
}

TEST_F(BackendChanges, RepliesAreKnownBeforeTheRingSendsAnything) {
  dataplane.written.clear();
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  EXPECT_EQ(dataplane.written,
            (std::vector<std::string>{"put_backend", "write_backend", "set_endpoint",
                                      "swap_service_table", "put_service", "swap_ring"}));
}

TEST_F(BackendChanges, AnAddressThatRepliesComeToIsInTheTableOnce) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  EXPECT_EQ(memory().table.size(), 5U);
}

TEST_F(BackendChanges, ABackendOfIpipNeedsNoReplyAddressAndNoOtherTable) {
  dataplane.written.clear();
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_v6));
  EXPECT_EQ(memory().table.size(), 4U);
  EXPECT_EQ(memory().records.at(1).source, address("2001:db8::1"));
  EXPECT_EQ(std::count(dataplane.written.begin(), dataplane.written.end(), "swap_service_table"),
            0);
}

TEST_F(BackendChanges, TheSecondOneWritesOneRecordAndMovesItsShareOfTheRing) {
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_one));
  dataplane.written.clear();
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_two, 300));
  EXPECT_EQ(std::count(dataplane.written.begin(), dataplane.written.end(), "write_backend"), 1);
  const Ring& ring = ring_in(memory(), "tunnel");
  EXPECT_NEAR(static_cast<double>(slots_of(ring, 2)), 192, 1);
  for (const RingSlot& slot : ring) {
    EXPECT_EQ(slot, slot.backend == 2U ? (RingSlot{2, 1, true, dataplane.clock_s + 1})
                                       : (RingSlot{1, 0, false}));
  }
}

TEST_F(BackendChanges, ARingOfSnatNeverMovesBecauseTranslationsKeepTheBackend) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two, 300));
  EXPECT_NEAR(static_cast<double>(slots(backend_two)), 192, 1);
  ASSERT_TRUE(set_state(dataplane, "web", backend_one, BackendState::draining));
  EXPECT_EQ(ring_in(memory(), "web"),
            Ring(size_t{1} << SLUICE_RING_BITS_MIN, RingSlot{2, 0, false}));
}

TEST_F(BackendChanges, ARingThatGrowsIsRefinedAndItsSizeIsTracked) {
  for (int host = 1; host <= 5; host++) {
    ASSERT_TRUE(add_backend(dataplane, "web", fmt::format("10.0.1.{}:80", host)));
  }
  EXPECT_EQ(service_in(memory(), "web").ring_bits, SLUICE_RING_BITS_MIN + 1);
  EXPECT_EQ(ring_in(memory(), "web").size(), size_t{2} << SLUICE_RING_BITS_MIN);
  ASSERT_TRUE(backend_remove(dataplane, "web", at("10.0.1.5:80"), Apply::perform));
  EXPECT_EQ(service_in(memory(), "web").ring_bits, SLUICE_RING_BITS_MIN + 1);
}

TEST_F(BackendChanges, NoNumberIsGivenAgainWhileThereAreFreshOnes) {
  dataplane.limits.backends = 3;
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_one), Apply::perform));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_three));
  EXPECT_EQ(backend_in(memory(), "web", backend_three).number, 3U);
  ASSERT_TRUE(add_backend(dataplane, "web", backend_four));
  EXPECT_EQ(backend_in(memory(), "web", backend_four).number, 1U);

  const auto full = add_backend(dataplane, "web", backend_one);
  ASSERT_FALSE(full);
  EXPECT_EQ(kind(full), ErrorKind::failed);
  EXPECT_EQ(sentence(full),
            "backends: 3 of 3 are in use, which leaves no room for backend 10.0.0.11:8443 of web; remove "
            "some first, or make an instance with more");
}

TEST_F(BackendChanges, OfFreedNumbersTheOneThatWasFreedLongestAgoIsGivenAgain) {
  dataplane.limits.backends = 4;
  for (const char* where : {backend_one, backend_two, backend_three, backend_four}) {
    ASSERT_TRUE(add_backend(dataplane, "web", where));
  }
  for (const char* where : {backend_three, backend_one, backend_four}) {
    ASSERT_TRUE(backend_remove(dataplane, "web", at(where), Apply::perform));
  }
  ASSERT_TRUE(add_backend(dataplane, "web", "10.0.1.1:80"));
  EXPECT_EQ(backend_in(memory(), "web", "10.0.1.1:80").number, 3U);
  ASSERT_TRUE(backend_remove(dataplane, "web", at("10.0.1.1:80"), Apply::perform));
  for (const uint32_t number : {1U, 4U, 3U}) {
    const std::string where = fmt::format("10.0.2.{}:80", number);
    ASSERT_TRUE(add_backend(dataplane, "web", where));
    EXPECT_EQ(backend_in(memory(), "web", where).number, number);
  }
}

TEST_F(BackendChanges, TheSameAgainIsSuccessAndBringsNothingUp) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  EXPECT_EQ(sentence(add_backend(dataplane, "web", backend_one)),
            "backend 10.0.0.11:8443 of web: is already so");
  ASSERT_TRUE(set_state(dataplane, "web", backend_one, BackendState::draining));
  const Memory before = memory();
  const auto again = add_backend(dataplane, "web", backend_one);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->needed);
  EXPECT_EQ(again->sentence, "backend 10.0.0.11:8443 of web: is already so, and draining");
  EXPECT_EQ(memory(), before);
}

TEST_F(BackendChanges, AddRefusesWithOneSentenceAndWritesNothing) {
  struct {
    const char* service;
    const char* where;
    uint32_t weight;
    ErrorKind kind;
    const char* text;
  } const refusals[] = {
      {"wbe", backend_two, 100, ErrorKind::misused,
       "service \"wbe\": no such service (there are: tunnel, web)"},
      {"web", backend_one, 50, ErrorKind::misused,
       "backend 10.0.0.11:8443 of web: is there already, with weight 100; change it with: sluice "
       "backend set web 10.0.0.11:8443 --weight 50"},
      {"web", backend_v6, 100, ErrorKind::misused,
       "backend [2001:db8::11]:8443 of web: mode snat translates between addresses of one family, "
       "and the service's is 203.0.113.10; give an IPv4 backend, or use a service of mode ipip"},
      {"web", "203.0.113.10:443", 100, ErrorKind::misused,
       "backend 203.0.113.10:443 of web: is the service's own endpoint, so its packets would loop "
       "for ever"},
      {"web", "0.0.0.0:80", 100, ErrorKind::misused,
       "backend 0.0.0.0:80 of web: the unspecified address is no host"},
      {"tunnel", "[ff02::1]:80", 100, ErrorKind::misused,
       "backend [ff02::1]:80 of tunnel: a multicast address is no host"},
      {"web", backend_two, 65536, ErrorKind::misused,
       "backend 10.0.0.12:8443 of web: weight 65536: a weight is 0 to 65535"},
      {"web", backend_four, 100, ErrorKind::failed,
       "backend 10.0.0.14:8443 of web: no route to 10.0.0.14"},
  };
  dataplane.unreachable.insert("10.0.0.14");
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  const Memory before = memory();
  for (const auto& refusal : refusals) {
    const auto change = add_backend(dataplane, refusal.service, refusal.where, refusal.weight);
    EXPECT_EQ(sentence(change), refusal.text);
    ASSERT_FALSE(change) << refusal.text;
    EXPECT_EQ(kind(change), refusal.kind) << refusal.text;
    EXPECT_EQ(memory(), before) << refusal.text;
  }
}

TEST_F(BackendChanges, SetSaysWhatItChanged) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  EXPECT_EQ(sentence(set_weight(dataplane, "web", backend_one, 50)),
            "backend 10.0.0.11:8443 of web: weight 50");
  EXPECT_EQ(sentence(backend_set(dataplane, "web", at(backend_one), {50, BackendState::draining},
                                 Apply::perform)),
            "backend 10.0.0.11:8443 of web: draining");
  EXPECT_EQ(sentence(backend_set(dataplane, "web", at(backend_one), {70, BackendState::up},
                                 Apply::perform)),
            "backend 10.0.0.11:8443 of web: weight 70, up");
  const auto again = set_weight(dataplane, "web", backend_one, 70);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->needed);
  EXPECT_EQ(again->sentence, "backend 10.0.0.11:8443 of web: is already so");
}

TEST_F(BackendChanges, SetRefusesWithOneSentence) {
  EXPECT_EQ(sentence(set_weight(dataplane, "web", backend_one, 50)),
            "backend 10.0.0.11:8443 of web: no such backend (there is none; add one with: sluice "
            "backend add web ADDRESS:PORT)");
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  const auto unknown = set_weight(dataplane, "web", backend_two, 50);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(kind(unknown), ErrorKind::misused);
  EXPECT_EQ(sentence(unknown),
            "backend 10.0.0.12:8443 of web: no such backend (there is: 10.0.0.11:8443)");
  EXPECT_EQ(sentence(set_weight(dataplane, "web", backend_one, 65536)),
            "backend 10.0.0.11:8443 of web: weight 65536: a weight is 0 to 65535");
  EXPECT_EQ(sentence(backend_set(dataplane, "web", at(backend_one), {}, Apply::perform)),
            "backend 10.0.0.11:8443 of web: nothing to set; say a weight or a state");
}

TEST_F(BackendChanges, OneThatDrainsKeepsItsConnectionsAndTakesNoNewOnes) {
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_two));
  ASSERT_TRUE(set_state(dataplane, "tunnel", backend_one, BackendState::draining));
  EXPECT_EQ(memory().records.at(1).state, BackendState::draining);
  const Ring& ring = ring_in(memory(), "tunnel");
  EXPECT_EQ(slots_of(ring, 1), 0U);
  EXPECT_TRUE(std::any_of(ring.begin(), ring.end(),
                          [](const RingSlot& slot) { return slot.previous == 1U; }));
}

TEST_F(BackendChanges, OneThatIsDownIsNoOnesPreviousAndSaysSoBeforeTheRing) {
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_two));
  dataplane.written.clear();
  ASSERT_TRUE(set_state(dataplane, "tunnel", backend_one, BackendState::down));
  EXPECT_EQ(dataplane.written,
            (std::vector<std::string>{"put_backend", "write_backend", "swap_ring"}));
  EXPECT_EQ(memory().records.at(1).state, BackendState::down);
  for (const RingSlot& slot : ring_in(memory(), "tunnel")) {
    EXPECT_EQ(slot.backend, 2U);
    EXPECT_NE(slot.previous, 1U);
  }
}

TEST_F(BackendChanges, OneThatComesBackUpGetsItsSlotsBack) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  const size_t before = slots(backend_one);
  ASSERT_TRUE(set_state(dataplane, "web", backend_one, BackendState::down));
  ASSERT_TRUE(set_state(dataplane, "web", backend_one, BackendState::up));
  EXPECT_EQ(slots(backend_one), before);
  EXPECT_EQ(memory().records.at(1).state, BackendState::up);
}

TEST_F(BackendChanges, WeightNothingTakesNoSlot) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two, 0));
  EXPECT_EQ(slots(backend_two), 0U);
  ASSERT_TRUE(set_weight(dataplane, "web", backend_one, 0));
  EXPECT_EQ(slots(backend_one), 0U);
}

TEST_F(BackendChanges, RingWithoutAnyWeightOrAnyUpBackendIsEmptyAndComesBackAsItWas) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  const Ring before = ring_in(memory(), "web");
  const Ring empty(before.size());
  for (const char* where : {backend_one, backend_two}) {
    ASSERT_TRUE(set_weight(dataplane, "web", where, 0));
  }
  EXPECT_EQ(ring_in(memory(), "web"), empty);
  for (const char* where : {backend_one, backend_two}) {
    ASSERT_TRUE(set_weight(dataplane, "web", where, 100));
  }
  EXPECT_EQ(ring_in(memory(), "web"), before);
  for (const char* where : {backend_one, backend_two}) {
    ASSERT_TRUE(set_state(dataplane, "web", where, BackendState::down));
  }
  EXPECT_EQ(ring_in(memory(), "web"), empty);
  for (const char* where : {backend_one, backend_two}) {
    ASSERT_TRUE(set_state(dataplane, "web", where, BackendState::up));
  }
  EXPECT_EQ(ring_in(memory(), "web"), before);
}

TEST_F(BackendChanges, TheSourceOfARecordStaysAsItWasFirstWritten) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  dataplane.memory.records.at(1).source = address("10.9.9.9");
  dataplane.memory.table.front().endpoint.address = address("10.9.9.9");
  ASSERT_TRUE(set_state(dataplane, "web", backend_one, BackendState::draining));
  EXPECT_EQ(memory().records.at(1).source, address("10.9.9.9"));
}

TEST_F(BackendChanges, RemovePurgesItsFlowsAndKeepsItsCountsAsRetired) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_two));
  dataplane.memory.traffic[1] = {10, 600, 1};
  dataplane.memory.backends_with_tracked_flows = {1, 2};
  dataplane.written.clear();
  EXPECT_EQ(sentence(backend_remove(dataplane, "web", at(backend_one), Apply::perform)),
            "backend 10.0.0.11:8443 of web: removed");

  EXPECT_EQ(dataplane.written, (std::vector<std::string>{
                                   "put_backend", "write_backend", "swap_ring", "purge_backends",
                                   "clear_backend_traffic", "put_service", "erase_backend_record",
                                   "erase_backend", "set_endpoint", "swap_service_table"}));
  EXPECT_EQ(service_in(memory(), "web").retired, (Traffic{10, 600, 1}));
  EXPECT_EQ(memory().backends_with_tracked_flows, std::set<uint32_t>{2});
  EXPECT_FALSE(memory().records.contains(1));
  EXPECT_FALSE(memory().traffic.contains(1));
  EXPECT_EQ(memory().backends.size(), 1U);
  EXPECT_EQ(memory().endpoints.size(), 5U);
}

TEST_F(BackendChanges, TheLastOneOfAllTakesTheReplyAddressWithIt) {
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_one), Apply::perform));
  EXPECT_EQ(memory().table.size(), 4U);
  EXPECT_FALSE(memory().rings.contains(service_in(memory(), "web").number));
}

TEST_F(BackendChanges, AnEndpointOfSeveralBackendsIsTheLowestServices) {
  ASSERT_TRUE(add_backend(dataplane, "tunnel", backend_one));
  ASSERT_TRUE(add_backend(dataplane, "web", backend_one));
  const std::pair<Endpoint, uint32_t> shared{endpoint("10.0.0.11:8443/tcp"),
                                             service_in(memory(), "web").number};
  EXPECT_EQ(memory().endpoints.at(shared.first), shared.second);
  EXPECT_EQ(memory().endpoints.size(), 5U);
  ASSERT_TRUE(backend_remove(dataplane, "web", at(backend_one), Apply::perform));
  const std::pair<Endpoint, uint32_t> left{shared.first, service_in(memory(), "tunnel").number};
  EXPECT_EQ(memory().endpoints.at(left.first), left.second);
}

TEST_F(BackendChanges, AnEndpointOfAServiceAndABackendIsTheServices) {
  ASSERT_TRUE(add_backend(dataplane, "web", "203.0.113.20:80"));
  const std::pair<Endpoint, uint32_t> taken{endpoint("203.0.113.20:80/tcp"),
                                            service_in(memory(), "tunnel").number};
  EXPECT_EQ(memory().endpoints.at(taken.first), taken.second);
  EXPECT_EQ(memory().endpoints.size(), 4U);
}

}  // namespace
}  // namespace sluice::test
