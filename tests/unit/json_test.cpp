// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The shape of --json and of the tables beside it, from one made-up instance: service web with a
// policy and two backends, and a flow that every part remembers.
#include "cli/json.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/text.h"

namespace sluice {
namespace {

using testing::HasSubstr;

HostPort at(std::string_view text) {
  return HostPort::parse(text).value();
}
Endpoint endpoint(std::string_view text) {
  return Endpoint::parse(text).value();
}

const char* const client = "198.51.100.7:40000";
const char* const web_endpoint = "203.0.113.10:443/tcp";
const char* const backend_one = "10.0.0.11:8443";
const char* const backend_two = "10.0.0.12:8443";

ServiceView web() {
  ServiceView view;
  view.service = {.name = "web",
                  .endpoint = endpoint(web_endpoint),
                  .mode = Mode::snat,
                  .number = 1,
                  .ring_bits = 8,
                  .removing = false,
                  .retired = {}};
  view.slots = 256;
  view.moving_slots = 16;
  view.policy = Policy{.flow_rate_bytes_per_sec = 6250000, .window_bytes = 0};
  view.traffic = {.packets = 30, .bytes = 5000000000, .connections = 3};
  view.backends.push_back({.backend = {.service = 1,
                                       .at = at(backend_one),
                                       .number = 4,
                                       .weight = 300,
                                       .state = BackendState::up,
                                       .removing = false},
                           .slots = 192,
                           .traffic = {.packets = 20, .bytes = 2000, .connections = 2}});
  view.backends.push_back({.backend = {.service = 1,
                                       .at = at(backend_two),
                                       .number = 5,
                                       .weight = 100,
                                       .state = BackendState::draining,
                                       .removing = false},
                           .slots = 64,
                           .traffic = {.packets = 10, .bytes = 1000, .connections = 1}});
  view.verdicts = {{.verdict = SLUICE_VERDICT_TRANSLATED, .packets = 30, .bytes = 3000},
                   {.verdict = SLUICE_VERDICT_NO_BACKEND, .packets = 2, .bytes = 120}};
  return view;
}

sluice_flow flow(std::string_view from, std::string_view to) {
  const HostPort source = at(from);
  const sluice_endpoint destination = endpoint(to).raw();
  return {.source = source.address.raw(),
          .destination = destination.address,
          .source_port = htons(source.port),
          .destination_port = destination.port,
          .l4_proto = destination.l4_proto,
          .reserved = {}};
}

sluice_congestion_flow governed() {
  sluice_congestion_flow governed{};
  governed.service = 1;
  governed.state = SLUICE_CONGESTION_RECOVERY;
  governed.bound = SLUICE_BOUND_POLICY_WINDOW;
  governed.cwnd_packets = 42;
  governed.srtt_us = 40200;
  governed.min_rtt_us = 40000;
  governed.delivery_rate_bytes_per_sec = 5912500;
  governed.entered[SLUICE_CONGESTION_SLOW_START] = 1;
  governed.entered[SLUICE_CONGESTION_RECOVERY] = 3;
  return governed;
}

FlowRecord known_to_all() {
  FlowRecord record;
  record.flow = flow(client, web_endpoint);
  record.tracked = sluice_tracked_flow{.backend = 5, .seen_s = 95};
  sluice_translation translation{};
  translation.translated_tuple = flow("10.0.0.1:1024", "10.0.0.11:8443/tcp");
  translation.backend = 4;
  translation.service = 1;
  translation.seen_s = 97;
  translation.state = SLUICE_TRANSLATION_OPEN;
  record.translation = translation;
  sluice_paced_flow paced{};
  paced.service = 1;
  paced.bytes = 4096;
  paced.lowered = 7;
  paced.flags = SLUICE_PACED_CLIENT_SYN | SLUICE_PACED_SCALED;
  record.paced = paced;
  record.departures = Departures{.service = 1, .bytes = 8192, .departs_ns = 5, .weight = 3};
  record.congestion = governed();
  return record;
}

std::vector<std::string> keys(const Json& document) {
  std::vector<std::string> names;
  for (const auto& [name, value] : document.items()) names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

TEST(Json, AServiceHasItsBackendsItsPolicyAndItsVerdicts) {
  const Json document = service_json(web());
  EXPECT_EQ(
      keys(document),
      (Names{"service",       "endpoint",       "mode",          "affinity",    "quic",
             "gue_variant",   "number",         "removing",      "slots",       "moving_slots",
             "tracked_flows", "idle_timeout_s", "udp_timeout_s", "policy",      "filters",
             "weights",       "packets",        "bytes",         "connections", "flow_totals",
             "backends_up",   "backends",       "verdicts"}));
  EXPECT_EQ(document["service"], "web");
  EXPECT_EQ(document["endpoint"], web_endpoint);
  EXPECT_EQ(document["mode"], "snat");
  EXPECT_EQ(document["moving_slots"], 16);
  EXPECT_EQ(document["backends_up"], 1);
  EXPECT_EQ(document["backends"].size(), 2);
  EXPECT_EQ(document["verdicts"].size(), 2);
}

TEST(Json, NumbersAreExactAndNotInUnitsForPeople) {
  EXPECT_EQ(service_json(web())["bytes"].dump(), "5000000000");
  EXPECT_EQ(service_json(web())["policy"]["flow_rate_bytes_per_sec"].dump(), "6250000");
}

TEST(Json, ABackendSaysItsShareOfTheSlots) {
  const ServiceView view = web();
  const Json document = backend_json(view, view.backends[0]);
  EXPECT_EQ(keys(document), (Names{"service", "backend", "number", "weight", "state", "removing",
                                   "failing", "adapted_permille", "slots", "share_percent",
                                   "packets", "bytes", "connections"}));
  EXPECT_EQ(document["backend"], backend_one);
  EXPECT_EQ(document["slots"], 192);
  EXPECT_EQ(document["share_percent"], 75.0);
  EXPECT_EQ(backend_json(view, view.backends[1])["state"], "draining");
}

TEST(Json, ALimitThatIsNotSetIsNull) {
  const Json document = policy_json("web", {.flow_rate_bytes_per_sec = 0, .window_bytes = 262144});
  EXPECT_TRUE(document["flow_rate_bytes_per_sec"].is_null());
  EXPECT_EQ(document["window_bytes"], 262144);
  ServiceView view = web();
  view.policy.reset();
  EXPECT_TRUE(service_json(view)["policy"].is_null());
}

TEST(Json, AFlowIsNamedByItsServiceAndTheBackendThatItsPacketsGoTo) {
  const auto views = flow_views({known_to_all()}, {web()});
  ASSERT_EQ(views.size(), 1);
  const Json document = flow_json(views[0], 100);
  EXPECT_EQ(keys(document), (Names{"client", "endpoint", "service", "backend", "known_to",
                                   "tracked", "translation", "departures", "paced", "congestion"}));
  EXPECT_EQ(document["client"], client);
  EXPECT_EQ(document["endpoint"], web_endpoint);
  EXPECT_EQ(document["service"], "web");
  EXPECT_EQ(document["backend"], backend_one);
  EXPECT_EQ(document["known_to"],
            Json({"tracked", "translated", "departures", "paced", "congestion"}));
  EXPECT_EQ(document["tracked"]["idle_s"], 5);
  EXPECT_EQ(document["translation"]["state"], "open");
  EXPECT_EQ(document["translation"]["source"], "10.0.0.1:1024");
  EXPECT_EQ(document["translation"]["idle_s"], 3);
  EXPECT_EQ(document["departures"]["bytes"], 8192);
  EXPECT_EQ(document["departures"]["weight"], 3);
  EXPECT_EQ(document["paced"]["lowered"], 7);
  EXPECT_EQ(document["paced"]["flags"], Json({"client_syn", "scaled"}));
}

TEST(Json, AGovernedFlowSpellsItsStateItsBoundAndEveryStateThatItEntered) {
  const auto views = flow_views({known_to_all()}, {web()});
  const Json document = flow_json(views.at(0), 100)["congestion"];
  EXPECT_EQ(document["state"], "recovery");
  EXPECT_EQ(document["bound"], "policy_window");
  EXPECT_EQ(document["srtt_us"], 40200);
  EXPECT_EQ(document["delivery_rate_bytes_per_sec"], 5912500);
  EXPECT_EQ(
      document["entered"],
      Json({{"slow_start", 1}, {"avoidance", 0}, {"compete", 0}, {"recovery", 3}, {"timeout", 0}}));
}

TEST(Json, TheShareOfMarksIsToldWhereThePeerTellsOfEach) {
  FlowRecord record = known_to_all();
  Json document = flow_json(flow_views({record}, {web()}).at(0), 100)["congestion"];
  EXPECT_EQ(document["accurate_marks"], false);
  EXPECT_TRUE(document["marked_share_percent"].is_null());
  record.congestion->accurate_marks = 1;
  record.congestion->marked_share = 64;
  document = flow_json(flow_views({record}, {web()}).at(0), 100)["congestion"];
  EXPECT_EQ(document["accurate_marks"], true);
  EXPECT_EQ(document["marked_share_percent"], 25);
  EXPECT_EQ(document["bound"], "policy_window");
}

TEST(Json, WhatRemembersAFlowNotIsNull) {
  FlowRecord record;
  record.flow = flow(client, web_endpoint);
  record.tracked = sluice_tracked_flow{.backend = 5, .seen_s = 95};
  record.half_open = true;
  const auto views = flow_views({record}, {web()});
  const Json document = flow_json(views.at(0), 90);
  EXPECT_EQ(document["known_to"], Json::array({"half_open"}));
  EXPECT_EQ(document["service"], "web");
  EXPECT_EQ(document["backend"], backend_two);
  EXPECT_EQ(document["tracked"]["idle_s"], 0) << "seen after the clock was read";
  EXPECT_TRUE(document["translation"].is_null());
  EXPECT_TRUE(document["paced"].is_null());
  EXPECT_TRUE(document["congestion"].is_null());
}

TEST(Json, ASocketOfABackendBelongsToItsService) {
  FlowRecord record;
  record.flow = flow("10.0.0.1:1024", "10.0.0.12:8443/tcp");
  record.congestion = governed();
  const auto views = flow_views({record}, {web()});
  EXPECT_EQ(views.at(0).service, "web");
  EXPECT_EQ(views.at(0).backend, backend_two);
}

TEST(Json, AFlowOfAServiceThatIsGoneHasNoNames) {
  const auto views = flow_views({known_to_all()}, {});
  const Json document = flow_json(views.at(0), 100);
  EXPECT_TRUE(document["service"].is_null());
  EXPECT_TRUE(document["backend"].is_null());
}

TEST(Json, FlowsAreInTheOrderOfTheirServicesAndClients) {
  std::vector<FlowRecord> records;
  for (const char* from : {"198.51.100.7:40001", "[2001:db8::7]:1", "198.51.100.7:40000"}) {
    FlowRecord record = known_to_all();
    record.flow = flow(from, web_endpoint);
    records.push_back(record);
  }
  const auto views = flow_views(records, {web()});
  ASSERT_EQ(views.size(), 3);
  EXPECT_EQ(views[0].client.text(), "198.51.100.7:40000");
  EXPECT_EQ(views[1].client.text(), "198.51.100.7:40001");
  EXPECT_EQ(views[2].client.text(), "[2001:db8::7]:1");
}

StatusView status() {
  StatusView view;
  view.capacities = {.services = 1024, .backends = 16384, .filters = 65536, .flows = 262144};
  view.memory = {{"flows", 1, 4096}, {"rings", 2, 65536}};
  view.instance = "sluice";
  view.directory = "/sys/fs/bpf/sluice";
  view.attachments = {{.part = Component::steer,
                       .device = "eth1",
                       .mode = "native",
                       .here = true,
                       .gone = false,
                       .namespace_id = "4026531840"}};
  view.services = {web()};
  view.verdicts = {{.verdict = SLUICE_VERDICT_NOT_OURS, .packets = 9, .bytes = 900}};
  view.congestion = {{.name = "sluice", .map_id = 17, .linked = true, .pinned = true}};
  return view;
}

TEST(Json, StatusHasEverythingThatIsInTheInstance) {
  const Json document = status_json(status());
  EXPECT_EQ(keys(document),
            (Names{"instance", "directory", "version", "schema", "programs", "moving_slots",
                   "congestion_unsupported", "capacities", "impaired", "memory_bytes", "memory",
                   "attachments", "congestion", "services", "verdicts"}));
  EXPECT_EQ(document["capacities"]["services"], (Json{{"used", 1}, {"total", 1024}}));
  EXPECT_EQ(document["capacities"]["backends"]["used"], 2);
  EXPECT_EQ(document["memory_bytes"], 4096 + 65536);
  EXPECT_EQ(document["memory"][1], (Json{{"map", "rings"}, {"maps", 2}, {"bytes", 65536}}));
  EXPECT_EQ(document["schema"], SLUICE_SCHEMA_VERSION);
  EXPECT_EQ(document["moving_slots"], 16);
  EXPECT_EQ(document["attachments"][0]["part"], "steer");
  EXPECT_EQ(document["attachments"][0]["device"], "eth1");
  EXPECT_EQ(document["congestion"][0]["name"], "sluice");
  EXPECT_EQ(document["services"][0]["service"], "web");
}

TEST(Json, StatusListsDroppedPacketsBeforeAllOthers) {
  const Json verdicts = status_json(status())["verdicts"];
  ASSERT_EQ(verdicts.size(), 3);
  EXPECT_EQ(keys(verdicts[0]),
            (Names{"service", "verdict", "action", "packets", "bytes", "sentence"}));
  EXPECT_EQ(verdicts[0]["verdict"], "no_backend");
  EXPECT_EQ(verdicts[0]["action"], "drop");
  EXPECT_EQ(verdicts[0]["service"], "web");
  EXPECT_EQ(verdicts[1]["verdict"], "not_ours");
  EXPECT_TRUE(verdicts[1]["service"].is_null());
  EXPECT_EQ(verdicts[2]["verdict"], "translated");
}

TEST(Text, BackendsAreATableWithTheirShares) {
  std::ostringstream out;
  print_backends(out, {web()});
  EXPECT_EQ(out.str(),
            "SERVICE  BACKEND         WEIGHT  STATE      SHARE  CONNECTIONS  PACKETS    BYTES\n"
            "web      10.0.0.11:8443     300  up        75.0 %            2       20  2.0 KiB\n"
            "web      10.0.0.12:8443     100  draining  25.0 %            1       10   1000 B\n");
}

TEST(Text, AFlowWithoutCongestionControlHasDashesInItsColumns) {
  FlowRecord record;
  record.flow = flow(client, web_endpoint);
  record.tracked = sluice_tracked_flow{.backend = 4, .seen_s = 95};
  std::ostringstream out;
  print_flows(out, flow_views({record, known_to_all()}, {web()}));
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("10.0.0.11:8443  tracked                                         -"
                              "            -        -        -            -  -\n"));
  EXPECT_THAT(text, HasSubstr("recovery    42  40.2 ms  40.0 ms  47.3 Mbit/s  policy_window\n"));
}

TEST(Text, StatusSaysFirstWhichServicesAreSpoiltOnPurpose) {
  StatusView view = status();
  EXPECT_TRUE(status_json(view)["impaired"].empty());
  view.services[0].policy = Policy{.loss_ppm = 10'000, .mark_ppm = 5'000};
  EXPECT_EQ(status_json(view)["impaired"], Json({"web"}));
  std::ostringstream out;
  print_status(out, view);
  EXPECT_THAT(out.str(),
              HasSubstr("IMPAIRED    web: 1% of the packets to its clients are dropped, 0.5% of "
                        "those that are ECN-capable are marked ON PURPOSE (sluice policy set web "
                        "--loss none --mark none)\n"));
}

TEST(Text, StatusShowsDropsFirstAndWhatTheyMean) {
  std::ostringstream out;
  print_status(out, status());
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("instance    sluice (/sys/fs/bpf/sluice)\n"));
  EXPECT_THAT(text, HasSubstr("attached    steer on eth1, native\n"));
  EXPECT_THAT(text, HasSubstr("1 of 2"));
  const size_t dropped = text.find("no_backend");
  const size_t passed = text.find("not_ours");
  ASSERT_NE(dropped, std::string::npos) << text;
  ASSERT_NE(passed, std::string::npos) << text;
  EXPECT_LT(dropped, passed);
  EXPECT_THAT(text, HasSubstr("the service has no backend that takes new connections"));
}

TEST(Text, StatusSaysWhyThereIsNoCongestionControl) {
  StatusView view = status();
  view.congestion.clear();
  view.congestion_unsupported = "this kernel has no BTF";
  std::ostringstream out;
  print_status(out, view);
  EXPECT_THAT(out.str(), HasSubstr("cannot be loaded: this kernel has no BTF"));
}

}  // namespace
}  // namespace sluice
