// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The output of sluice status, as JSON and as text.
#include "cli/status_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "unit/support/output_sample.h"

namespace sluice::sample {
namespace {

using testing::HasSubstr;

TEST(StatusOutput, HasEverythingInTheInstance) {
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
  EXPECT_EQ(document["attachments"][0]["component"], "steer");
  EXPECT_EQ(document["attachments"][0]["device"], "eth1");
  EXPECT_EQ(document["congestion"][0]["name"], "sluice");
  EXPECT_EQ(document["services"][0]["service"], "web");
}

TEST(StatusOutput, ListsDroppedPacketsFirst) {
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

TEST(StatusOutput, ShowsServicesWithImpairments) {
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

TEST(StatusOutput, ShowsDropsFirstWithTheirMeaning) {
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

TEST(StatusOutput, SaysWhyCongestionControlIsUnsupported) {
  StatusView view = status();
  view.congestion.clear();
  view.congestion_unsupported = "this kernel has no BTF";
  std::ostringstream out;
  print_status(out, view);
  EXPECT_THAT(out.str(), HasSubstr("cannot be loaded: this kernel has no BTF"));
}

}  // namespace
}  // namespace sluice::sample
