// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The table of service options: each row reads what it writes, and a patch changes what it names.
#include "model/service_options.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

Service service_at(std::string_view endpoint) {
  Service service;
  service.name = "web";
  service.endpoint = Endpoint::parse(endpoint).value();
  return service;
}

TEST(ServiceOptions, EachRowReadsWhatItWrites) {
  Service service = service_at("203.0.113.10:443/udp");
  service.mode = Mode::gue;
  service.gue_variant = 0;
  service.affinity = Affinity::client;
  service.quic = true;
  service.mss = SLUICE_MSS_AUTO;
  service.idle_timeout_s = 60;
  service.udp_timeout_s = 30;
  Service read = service_at("203.0.113.10:443/udp");
  for (const ServiceOption& option : service_options()) {
    EXPECT_FALSE(is_default(option, service)) << option.name;
    ASSERT_TRUE(option.parse(option.text(service), read)) << option.name;
  }
  EXPECT_EQ(read, service);
}

TEST(ServiceOptions, EachRowHasANameAndAFieldOfItsOwn) {
  std::set<std::string_view> names;
  std::set<std::string_view> fields;
  for (const ServiceOption& option : service_options()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_TRUE(fields.insert(option.field).second) << option.field;
    EXPECT_EQ(option.is_flag(), option.kind.empty()) << option.name;
  }
}

TEST(ServiceOptions, APatchChangesWhatItNames) {
  const Service before = service_at("203.0.113.10:443/udp");
  const auto after = patched(before, {{&Service::quic, true}, {&Service::udp_timeout_s, 30}});
  ASSERT_TRUE(after);
  EXPECT_EQ(settings_text(before, *after), " --quic --udp-timeout 30s");
  EXPECT_EQ(settings_text(*after, before), " --no-quic --udp-timeout 1m");
  EXPECT_EQ(service_options_text(*after), "mode snat, QUIC, UDP time-out 30s");
}

TEST(ServiceOptions, AnOptionThatNoLongerAppliesFallsBackToItsDefault) {
  Service service = service_at("203.0.113.10:443/tcp");
  service.mode = Mode::gue;
  service.gue_variant = 0;
  const auto after = patched(service, {{&Service::mode, Mode::ipip}});
  ASSERT_TRUE(after);
  EXPECT_EQ(after->gue_variant, gue_variant_default);
}

TEST(ServiceOptions, AFlagThatIsOffGoesWithEverything) {
  const Service service = service_at("203.0.113.10:443/tcp");
  EXPECT_TRUE(patched(service, {{&Service::quic, false}}));
  EXPECT_FALSE(patched(service, {{&Service::quic, true}}));
  EXPECT_FALSE(patched(service, {{&Service::gue_variant, 1}}));
}

TEST(ServiceOptions, AnMssIsAWordOrANumber) {
  const Service before = service_at("203.0.113.10:443/tcp");
  const ServiceOption* mss = nullptr;
  for (const ServiceOption& option : service_options())
    if (option.name == "mss") mss = &option;
  ASSERT_NE(mss, nullptr);
  EXPECT_EQ(option_value(*mss, before), OptionValue("none"));
  for (const char* text : {"88", "1400", "65495", "auto"}) {
    const auto after = patched(before, {parse_setting(*mss, text).value()});
    ASSERT_TRUE(after) << text;
    EXPECT_EQ(settings_text(before, *after), fmt::format(" --mss {}", text));
    EXPECT_EQ(settings_text(*after, before), " --mss none");
  }
  EXPECT_EQ(option_value(*mss, patched(before, {{&Service::mss, 1400}}).value()),
            OptionValue(uint64_t{1400}));
  for (const char* text : {"87", "65496", "1", "0", "", "-1", "Auto", "1400b"})
    EXPECT_FALSE(parse_setting(*mss, text)) << text;
}

TEST(ServiceOptions, AnMssIsAnOptionOfTcp) {
  const auto refused = patched(service_at("203.0.113.10:443/udp"), {{&Service::mss, 1400}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text,
            "service web: MSS is an option of TCP, and 203.0.113.10:443/udp is UDP");
}

TEST(ServiceOptions, TimeOutsAndMssMayChangeWhileThereAreBackends) {
  const Service service = service_at("203.0.113.10:443/udp");
  for (const ServiceOption& option : service_options())
    EXPECT_EQ(option.live, option.name.ends_with("-timeout") || option.name == "mss")
        << option.name;
  EXPECT_TRUE(same_but_live(patched(service, {{&Service::idle_timeout_s, 60}}).value(), service));
  EXPECT_FALSE(same_but_live(patched(service, {{&Service::quic, true}}).value(), service));
}

TEST(ModeTraits, EveryModeIsListedAndReadByItsName) {
  for (const Mode mode : all_modes) EXPECT_EQ(parse_mode(mode_text(mode)), mode);
  EXPECT_FALSE(parse_mode("unknown"));
}

}  // namespace
}  // namespace sluice
