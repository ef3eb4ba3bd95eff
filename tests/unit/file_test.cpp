// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The configuration file: what is read, and what is refused, at which position and why.
#include "file/read.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "control/desired_checks.h"
#include "file/keys.h"
#include "file/write.h"
#include "schema/schema.h"

namespace sluice {
namespace {

const std::filesystem::path source(SLUICE_SOURCE_DIR);

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

FileReading read_good(std::string_view text) {
  FileReading reading = read_configuration(text);
  for (const FileError& error : reading.errors) ADD_FAILURE() << file_error_text("text", error);
  for (const FileError& error : check_desired(reading.desired))
    ADD_FAILURE() << file_error_text("text", error);
  return reading;
}

class Broken : public testing::TestWithParam<std::string> {};

// Beside each file is a text with its errors, one a line: "LINE:COLUMN: sentence".
TEST_P(Broken, FileIsRefusedWithLineColumnCauseAndRemedy) {
  const auto yaml = source / "tests/unit/broken" / (GetParam() + ".yaml");
  const auto reading = load_configuration(yaml.string());
  ASSERT_TRUE(reading) << reading.error().text;
  std::string said;
  for (const FileError& error : reading->errors)
    said += file_error_text("", error).substr(1) + "\n";
  EXPECT_FALSE(said.empty());
  EXPECT_EQ(said, text_of(source / "tests/unit/broken" / (GetParam() + ".txt")));
}

std::vector<std::string> broken_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(source / "tests/unit/broken"))
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(File, Broken, testing::ValuesIn(broken_files()),
                         [](const auto& each) { return each.param; });

TEST(File, MissingFileIsRefused) {
  const auto reading = load_configuration("/nonexistent/sluice.yaml");
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().text, "/nonexistent/sluice.yaml: No such file or directory");
  EXPECT_EQ(reading.error().kind, ErrorKind::misused);
  const auto directory = load_configuration("/tmp");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().text, "/tmp: Is a directory");
}

TEST(File, AMissingSectionStaysUnset) {
  const Desired nothing = read_good("run: {}").desired;
  EXPECT_FALSE(nothing.services);
  EXPECT_FALSE(nothing.attachments);
  EXPECT_FALSE(nothing.congestion);
  EXPECT_EQ(nothing.run, RunOptions{});
  EXPECT_TRUE(read_good("services: {}").desired.services->empty());
  EXPECT_EQ(read_good(write_configuration({})).desired, Desired{});
}

TEST(File, ServiceHasTheDefaultsOfTheCommandLine) {
  const Desired desired = read_good("services: {web: {address: '203.0.113.10:443/tcp'}}").desired;
  DesiredService expected;
  expected.service.name = "web";
  expected.service.endpoint = Endpoint::parse("203.0.113.10:443/tcp").value();
  ASSERT_EQ(desired.services->size(), 1U);
  EXPECT_EQ(desired.services->front(), expected);
}

TEST(File, MarksAreThePositionsOfItems) {
  const Desired desired = read_good(
                              "services:\n"
                              "  web:\n"
                              "    address: 203.0.113.10:443/tcp\n"
                              "    backends: [10.0.0.11:80,\n"
                              "               {address: 10.0.0.12:80}]\n")
                              .desired;
  const DesiredService& web = desired.services->front();
  const auto position = [](const Mark& mark) { return std::pair(mark.line, mark.column); };
  EXPECT_EQ(position(web.mark), std::pair(2U, 3U));
  EXPECT_EQ(position(web.endpoint_mark), std::pair(3U, 14U));
  EXPECT_EQ(position(web.backends.at(0).mark), std::pair(4U, 16U));
  EXPECT_EQ(position(web.backends.at(1).mark), std::pair(5U, 16U));
}

TEST(File, ExampleIsValidAndHasEveryKey) {
  const std::string text = text_of(source / "docs/examples/sluice.yaml");
  const Desired desired = read_good(text).desired;
  ASSERT_EQ(desired.services->size(), 4U);
  for (const FileSection* section : file_sections())
    for (const std::string_view key : section->keys)
      EXPECT_TRUE(text.find(std::string(key) + ":") != std::string::npos || key == "decap" ||
                  key == "loaded")
          << key;

  const DesiredService& web = desired.services->front();
  EXPECT_EQ(web.policy, (Policy{.flow_rate_bytes_per_sec = 6'250'000,
                                .window_bytes = 262'144,
                                .connections_per_sec = 10'000,
                                .rate_bytes_per_sec = 125'000'000,
                                .ingress_rate_bytes_per_sec = 25'000'000,
                                .flow_weight = 2}));
  EXPECT_EQ(web.backends.at(1).weight, 200U);
  EXPECT_EQ(web.backends.at(2).state, BackendState::draining);
  EXPECT_EQ(web.weights, Weights::adapt);
  EXPECT_EQ(web.all_down, AllDown::keep);
  ASSERT_TRUE(web.health);
  EXPECT_EQ(web.health->status, (std::vector<StatusRange>{{200, 299}, {304, 304}}));
  EXPECT_EQ(web.health->interval_ms, 2000U);
  const DesiredService& http3 = desired.services->at(2);
  EXPECT_EQ(http3.health->request, std::string("\0\xff", 2));
  EXPECT_EQ(desired.attachments->size(), 2U);
  EXPECT_EQ(desired.attachments->front().settings, (AttachSettings{.mode = XdpMode::native}));
  EXPECT_EQ(desired.attachments->back().settings, (AttachSettings{.fq = true, .gso_max_segs = 1}));
  EXPECT_EQ(desired.congestion->name, "sluice");
  EXPECT_EQ(desired.run.metrics->text(), "127.0.0.1:9273");
}

// Editors complete the keys that the parser accepts.
TEST(File, SchemaHasTheKeysOfEverySection) {
  const auto schema = nlohmann::json::parse(text_of(source / "docs/sluice.schema.json"));
  for (const FileSection* section : file_sections()) {
    const auto& here =
        section == &file_section ? schema : schema.at("definitions").at(std::string(section->name));
    std::set<std::string> published;
    for (const auto& [key, of] : here.at("properties").items()) published.insert(key);
    EXPECT_EQ(published, std::set<std::string>(section->keys.begin(), section->keys.end()))
        << section->name;
    EXPECT_EQ(here.at("additionalProperties"), false) << section->name;
  }
}

TEST(File, SchemaIsWhatTheTablesSay) {
  const std::string text = text_of(source / "docs/sluice.schema.json");
  EXPECT_EQ(text, schema_text(with_tables(nlohmann::ordered_json::parse(text))))
      << "write it anew: build/tools/schema docs/sluice.schema.json";
}

TEST(File, ManyServicesAreReadInLinearTime) {
  std::string text = "services:\n";
  for (int service = 0; service < 3000; service++) {
    text += fmt::format("  s{0}:\n    address: 203.{1}.{2}.10:443/tcp\n    backends:\n", service,
                        service / 250, service % 250);
    for (int backend = 0; backend < 10; backend++)
      text += fmt::format("      - 10.{}.{}.{}:80\n", service / 250, service % 250, backend);
  }
  const Desired desired = read_good(text).desired;
  EXPECT_EQ(desired.services->size(), 3000U);
}

TEST(File, AnUnknownKeyFarFromAllListsTheKeys) {
  EXPECT_EQ(unknown_key_text(policy_section, "flow-rat"),
            "there is no key \"flow-rat\" in a policy; did you mean flow-rate?");
  EXPECT_EQ(
      unknown_key_text(attachment_section, std::string(1000, 'x')),
      "there is no key \"" + std::string(64, 'x') + "\" in an attachment; there are xdp, chain");
}

}  // namespace
}  // namespace sluice
