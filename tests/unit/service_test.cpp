// Names, modes, states and weights: what is read, what is refused and why.
#include "model/service.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

template <typename T>
void expect_misused(const Result<T>& result, const std::string& text) {
  ASSERT_FALSE(result.has_value()) << text;
  EXPECT_EQ(result.error().kind, ErrorKind::misused);
  EXPECT_EQ(result.error().text, text);
}

TEST(Mode, IsReadAndWrittenTheSame) {
  for (auto mode : {Mode::ipip, Mode::snat}) EXPECT_EQ(parse_mode(mode_text(mode)), mode);
  EXPECT_EQ(mode_text(Mode::snat), "snat");
  for (auto text : {"", "IPIP", "dsr", "snat "}) {
    expect_misused(parse_mode(text),
                   "mode \"" + std::string(text) + "\": not a forwarding mode; write ipip or snat");
  }
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
