// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Flows as JSON and as a table.
#include "cli/flow_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "unit/support/output_sample.h"

namespace sluice::sample {
namespace {

using testing::HasSubstr;

TEST(FlowOutput, FlowNamesItsServiceAndItsBackend) {
  const auto views = flow_views({in_every_table()}, {web()});
  ASSERT_EQ(views.size(), 1);
  const Json document = flow_json(views[0], 100);
  EXPECT_EQ(keys(document), (Names{"client", "endpoint", "service", "backend", "tables", "tracked",
                                   "translation", "departures", "paced", "congestion"}));
  EXPECT_EQ(document["client"], client);
  EXPECT_EQ(document["endpoint"], web_endpoint);
  EXPECT_EQ(document["service"], "web");
  EXPECT_EQ(document["backend"], backend_one);
  EXPECT_EQ(document["tables"],
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

TEST(FlowOutput, GovernedFlowNamesItsStateItsBoundAndEveryStateItEntered) {
  const auto views = flow_views({in_every_table()}, {web()});
  const Json document = flow_json(views.at(0), 100)["congestion"];
  EXPECT_EQ(document["state"], "recovery");
  EXPECT_EQ(document["bound"], "policy_window");
  EXPECT_EQ(document["srtt_us"], 40200);
  EXPECT_EQ(document["delivery_rate_bytes_per_sec"], 5912500);
  EXPECT_EQ(
      document["entered"],
      Json({{"slow_start", 1}, {"avoidance", 0}, {"compete", 0}, {"recovery", 3}, {"timeout", 0}}));
}

TEST(FlowOutput, ShareOfMarksIsKnownOnlyWithAnAccuratePeer) {
  FlowRecord record = in_every_table();
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

TEST(FlowOutput, TableWithoutAnEntryIsNull) {
  FlowRecord record;
  record.flow = flow(client, web_endpoint);
  record.tracked = sluice_tracked_flow{.backend = 5, .seen_s = 95};
  record.half_open = true;
  const auto views = flow_views({record}, {web()});
  const Json document = flow_json(views.at(0), 90);
  EXPECT_EQ(document["tables"], Json::array({"half_open"}));
  EXPECT_EQ(document["service"], "web");
  EXPECT_EQ(document["backend"], backend_two);
  EXPECT_EQ(document["tracked"]["idle_s"], 0) << "a packet after the clock was read";
  EXPECT_TRUE(document["translation"].is_null());
  EXPECT_TRUE(document["paced"].is_null());
  EXPECT_TRUE(document["congestion"].is_null());
}

TEST(FlowOutput, SocketOfABackendBelongsToItsService) {
  FlowRecord record;
  record.flow = flow("10.0.0.1:1024", "10.0.0.12:8443/tcp");
  record.congestion = governed();
  const auto views = flow_views({record}, {web()});
  EXPECT_EQ(views.at(0).service, "web");
  EXPECT_EQ(views.at(0).backend, backend_two);
}

TEST(FlowOutput, FlowOfARemovedServiceHasNoNames) {
  const auto views = flow_views({in_every_table()}, {});
  const Json document = flow_json(views.at(0), 100);
  EXPECT_TRUE(document["service"].is_null());
  EXPECT_TRUE(document["backend"].is_null());
}

TEST(FlowOutput, FlowsAreSortedByServiceAndClient) {
  std::vector<FlowRecord> records;
  for (const char* from : {"198.51.100.7:40001", "[2001:db8::7]:1", "198.51.100.7:40000"}) {
    FlowRecord record = in_every_table();
    record.flow = flow(from, web_endpoint);
    records.push_back(record);
  }
  const auto views = flow_views(records, {web()});
  ASSERT_EQ(views.size(), 3);
  EXPECT_EQ(views[0].client.text(), "198.51.100.7:40000");
  EXPECT_EQ(views[1].client.text(), "198.51.100.7:40001");
  EXPECT_EQ(views[2].client.text(), "[2001:db8::7]:1");
}

TEST(FlowOutput, FlowWithoutCongestionControlHasDashesInItsColumns) {
  FlowRecord record;
  record.flow = flow(client, web_endpoint);
  record.tracked = sluice_tracked_flow{.backend = 4, .seen_s = 95};
  std::ostringstream out;
  print_flows(out, flow_views({record, in_every_table()}, {web()}));
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("10.0.0.11:8443  tracked                                         -"
                              "            -        -        -            -  -\n"));
  EXPECT_THAT(text, HasSubstr("recovery    42  40.2 ms  40.0 ms  47.3 Mbit/s  policy_window\n"));
}

}  // namespace
}  // namespace sluice::sample
