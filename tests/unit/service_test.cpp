// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Names, modes, states and weights: what is read, what is refused and why.
#include "model/service.h"

#include <gtest/gtest.h>

#include <iterator>
#include <set>
#include <vector>

#include "model/policy.h"
#include "unit/support/expect_misused.h"

namespace sluice {
namespace {

TEST(Mode, IsReadAndWrittenTheSame) {
  for (auto mode : {Mode::ipip, Mode::snat, Mode::gue, Mode::l2, Mode::nat}) {
    EXPECT_EQ(parse_mode(mode_text(mode)), mode);
  }
  EXPECT_EQ(mode_text(Mode::snat), "snat");
  for (auto text : {"", "IPIP", "dsr", "snat "}) {
    expect_misused(parse_mode(text),
                   "mode \"" + std::string(text) +
                       "\": not a forwarding mode; write snat, nat, ipip, gue or l2");
  }
}

TEST(Affinity, IsReadAndWrittenTheSame) {
  for (auto affinity : {Affinity::flow, Affinity::client, Affinity::client_service}) {
    EXPECT_EQ(parse_affinity(affinity_text(affinity)), affinity);
  }
  EXPECT_EQ(affinity_text(Affinity::client_service), "client-service");
  expect_misused(parse_affinity("ip"),
                 "affinity \"ip\": not an affinity; write flow, client or client-service");
}

TEST(GueVariant, IsZeroOrOne) {
  EXPECT_EQ(parse_gue_variant("0"), 0);
  EXPECT_EQ(parse_gue_variant("1"), 1);
  for (auto text : {"", "2", "01"}) {
    expect_misused(parse_gue_variant(text),
                   "GUE variant \"" + std::string(text) + "\": there are 0 and 1");
  }
}

TEST(ConnectionRate, IsAWholeNumberWithinTheLimit) {
  EXPECT_EQ(parse_connection_rate("1"), 1U);
  EXPECT_EQ(parse_connection_rate("10000000"), 10000000U);
  for (auto text : {"", "0", "10000001", "-1", "1k"}) {
    expect_misused(parse_connection_rate(text), "connection rate \"" + std::string(text) +
                                                    "\": not a whole number from 1 to 10000000");
  }
}

Service service_at(std::string_view endpoint, Affinity affinity) {
  Service service;
  service.endpoint = Endpoint::parse(endpoint).value();
  service.affinity = affinity;
  return service;
}

TEST(AffinitySalt, OfClientsIsTheSameInAllServicesAndElseTheEndpointsOwn) {
  const char* const endpoints[] = {"203.0.113.10:443/tcp",  "203.0.113.10:443/udp",
                                   "203.0.113.10:444/tcp",  "203.0.113.11:443/tcp",
                                   "203.0.113.10:699/tcp",  "203.0.113.0/24:443/tcp",
                                   "[2001:db8::10]:443/tcp"};
  std::set<uint32_t> salts;
  for (const char* endpoint : endpoints) {
    EXPECT_EQ(affinity_salt(service_at(endpoint, Affinity::client)), 0U);
    const Service service = service_at(endpoint, Affinity::client_service);
    salts.insert(affinity_salt(service));
    Service renumbered = service;
    renumbered.number = 77;
    renumbered.name = "other";
    EXPECT_EQ(affinity_salt(renumbered), affinity_salt(service));
  }
  EXPECT_EQ(salts.size(), std::size(endpoints));
  // Every director of a fleet computes this one, whatever its version.
  EXPECT_EQ(affinity_salt(service_at(endpoints[0], Affinity::client_service)), 1217378305U);
}

std::vector<HostPort> places_of(Affinity affinity, const std::vector<std::string>& backends) {
  std::vector<Backend> all;
  for (const auto& at : backends) {
    Backend backend;
    backend.at = HostPort::parse(at).value();
    all.push_back(backend);
  }
  return ring_places(service_at("203.0.113.10:443/tcp", affinity), all);
}

TEST(RingPlaces, OfClientAffinityLeaveThePortsOut) {
  const std::vector<std::string> web{"10.0.0.2:80", "10.0.0.1:80"};
  const std::vector<std::string> tls{"10.0.0.2:443", "10.0.0.1:8443"};
  EXPECT_EQ(places_of(Affinity::client, web), places_of(Affinity::client, tls));
  EXPECT_NE(places_of(Affinity::client_service, web), places_of(Affinity::client_service, tls));
  EXPECT_NE(places_of(Affinity::flow, web), places_of(Affinity::flow, tls));
}

TEST(RingPlaces, OfOneAddressFollowTheOrderOfTheirPorts) {
  const auto places =
      places_of(Affinity::client, {"10.0.0.1:90", "10.0.0.2:80", "10.0.0.1:80", "10.0.0.1:70"});
  const auto at = [](const char* text) { return HostPort::parse(text).value(); };
  EXPECT_EQ(places, (std::vector<HostPort>{at("10.0.0.1:2"), at("10.0.0.2:0"), at("10.0.0.1:1"),
                                           at("10.0.0.1:0")}));
}

TEST(OuterBytes, AreThoseOfTheModeAndTheBackendsFamily) {
  const Address v4 = Address::parse("10.0.0.1").value();
  const Address v6 = Address::parse("2001:db8::1").value();
  Service service;
  for (auto mode : {Mode::snat, Mode::nat, Mode::l2}) {
    service.mode = mode;
    EXPECT_EQ(outer_bytes(service, v6), 0U);
  }
  service.mode = Mode::ipip;
  EXPECT_EQ(outer_bytes(service, v4), 20U);
  EXPECT_EQ(outer_bytes(service, v6), 40U);
  service.mode = Mode::gue;
  EXPECT_EQ(outer_bytes(service, v4), 28U);
  EXPECT_EQ(outer_bytes(service, v6), 48U);
  service.gue_variant = 0;
  EXPECT_EQ(outer_bytes(service, v4), 32U);
  EXPECT_EQ(outer_bytes(service, v6), 52U);
}

TEST(BackendState, IsReadAndWrittenTheSame) {
  for (auto state : {BackendState::up, BackendState::draining, BackendState::down}) {
    EXPECT_EQ(parse_backend_state(backend_state_text(state)), state);
  }
  EXPECT_EQ(backend_state_text(BackendState::draining), "draining");
  expect_misused(parse_backend_state("drain"),
                 "state \"drain\": not a backend's state; write up, draining or down");
}

TEST(ServiceName, TakesWhatFitsAMapKeyAndAMetricLabel) {
  for (auto text : {"w", "web", "web-1.example_x", "0", "9web"}) {
    EXPECT_EQ(parse_service_name(text), text);
  }
  EXPECT_EQ(parse_service_name(std::string(31, 'a')), std::string(31, 'a'));
}

TEST(ServiceName, RefusesAndSaysWhy) {
  expect_misused(parse_service_name(""), "service name \"\": empty; write 1 to 31 characters");
  const std::string longer(32, 'a');
  expect_misused(parse_service_name(longer), "service name \"" + longer +
                                                 "\": 32 characters, of which 31 at most are kept; "
                                                 "shorten it");
  for (auto text : {"Web", "a b", "a/b", "caf\xc3\xa9", "a:b", "web\n"}) {
    auto result = parse_service_name(text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_TRUE(
        result.error().text.ends_with("made of other than a-z, 0-9, \".\", \"_\" and \"-\""))
        << result.error().text;
  }
  for (auto text : {".", "..", "-web", "_web"}) {
    expect_misused(parse_service_name(text), "service name \"" + std::string(text) +
                                                 "\": does not start with a letter or a digit");
  }
}

TEST(InstanceName, IsADirectoryInBpffsAndACongestionControl) {
  for (auto text : {"sluice", "s", "edge-2_x", "abcdefghijklmno"}) {
    EXPECT_EQ(parse_instance_name(text), text);
  }
}

TEST(InstanceName, RefusesAndSaysWhy) {
  expect_misused(parse_instance_name(""), "instance name \"\": empty; write 1 to 15 characters");
  expect_misused(parse_instance_name("abcdefghijklmnop"),
                 "instance name \"abcdefghijklmnop\": 16 characters, where 15 fit; shorten it");
  for (auto text : {"a.b", "A", "a/b", ".."}) {
    expect_misused(parse_instance_name(text),
                   "instance name \"" + std::string(text) +
                       "\": made of other than a-z, 0-9, \"_\" and \"-\"");
  }
  for (auto text : {"2nd", "-x", "_x"}) {
    expect_misused(parse_instance_name(text),
                   "instance name \"" + std::string(text) + "\": does not start with a letter");
  }
}

TEST(Weight, IsAWholeNumberWithinTheLimit) {
  EXPECT_EQ(parse_weight("0"), 0U);
  EXPECT_EQ(parse_weight("100"), 100U);
  EXPECT_EQ(parse_weight("65535"), 65535U);
  for (auto text :
       {"", "-1", "+1", "65536", "1.5", "1e3", "0x10", "ten", " 1", "99999999999999999999999"}) {
    expect_misused(parse_weight(text),
                   "weight \"" + std::string(text) + "\": not a whole number from 0 to 65535");
  }
}

TEST(Traffic, AddsUp) {
  Traffic sum{1, 2, 3};
  sum += Traffic{10, 20, 30};
  EXPECT_EQ(sum, (Traffic{11, 22, 33}));
}

}  // namespace
}  // namespace sluice
