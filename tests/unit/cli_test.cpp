// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The parts of the command line that need no kernel: misuse, help, versions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "cli/absent.h"
#include "cli/context.h"
#include "cli/run.h"
#include "control/changes.h"
#include "daemon/daemon.h"
#include "unit/support/output_sample.h"

namespace sluice {
namespace {

using sample::backend_one;
using sample::web_endpoint;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome sluice_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "sluice");
  std::vector<const char*> argv;
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream err;
  const int status = run(static_cast<int>(argv.size()), argv.data(), out, err, run_daemon);
  return {.status = status, .out = out.str(), .err = err.str()};
}

struct Misuse {
  std::string what;
  std::vector<std::string> arguments;
  std::string says;
};

void PrintTo(const Misuse& misuse, std::ostream* out) {
  *out << misuse.what;
}

class MisusedCommand : public testing::TestWithParam<Misuse> {};

TEST_P(MisusedCommand, IsOneSentenceOnStderrAndExitTwo) {
  const Outcome outcome = sluice_command(GetParam().arguments);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, AllOf(StartsWith("sluice: "), HasSubstr(GetParam().says)));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_EQ(outcome.err.back(), '\n');
}

const std::vector<Misuse> misuses{
    {"NoCommand", {}, "a command is missing: attach, detach, status"},
    {"OnlyAnOption", {"--json"}, "see: sluice --help"},
    {"UnknownNoun", {"services", "list"}, R"(no command "services", only attach)"},
    {"NoVerb", {"service"}, "service: a verb is missing: add, set, show, list, settle, remove"},
    {"UnknownVerb", {"service", "ad"}, R"(no verb "ad", only add)"},
    {"TheHelpOfANounIsClosest", {"service", "ad"}, "see: sluice service --help"},
    {"UnknownOption",
     {"service", "add", "web", web_endpoint, "--moed", "snat"},
     "service add: there is no option --moed; see: sluice service add --help"},
    {"UnknownOptionOfARoot", {"-x"}, "there is no option -x; see: sluice --help"},
    {"MissingArgument", {"service", "add"}, "NAME is required; see: sluice service add --help"},
    {"MissingSecondArgument", {"service", "add", "web"}, "ENDPOINT is required"},
    {"OneArgumentTooMany",
     {"service", "add", "web", web_endpoint, "extra"},
     R"("extra" is one argument too many)"},
    {"OptionWithoutItsValue",
     {"service", "add", "web", web_endpoint, "--mode"},
     "--mode requires a value"},
    {"OptionTwice",
     {"backend", "add", "web", backend_one, "--weight", "1", "--weight", "2"},
     "--weight is given more than once"},
    {"InstanceWithoutItsName", {"status", "--instance"}, "--instance requires a value"},
    {"InstanceOfABadName", {"status", "--instance", "../etc"}, "../etc"},
    {"InstanceOfAnEmptyName", {"status", "--instance", ""}, "instance"},
    {"FlagWithAValue", {"status", "--json=7"}, "--json takes no value"},
    {"ServiceOfABadName", {"service", "add", "We b", web_endpoint}, "We b"},
    {"NounOfTwoLines", {"ser\nvice"}, "ser vice"},
    {"EndpointWithoutProtocol", {"service", "add", "web", "203.0.113.10:443"}, "/tcp"},
    {"EndpointOfNoAddress", {"service", "add", "web", "203.0.113.256:443/tcp"}, "203.0.113.256"},
    {"EndpointOfNoPort", {"service", "add", "web", "203.0.113.10:65536/tcp"}, "65536"},
    {"UnknownMode", {"service", "add", "web", web_endpoint, "--mode", "dsr"}, R"("dsr")"},
    {"ServiceSetOfNothing", {"service", "set", "web"}, "nothing to set"},
    {"QuicAndNot", {"service", "set", "web", "--quic", "--no-quic"}, "--quic excludes --no-quic"},
    {"UnknownAffinity", {"service", "add", "web", web_endpoint, "--affinity", "ip"}, R"("ip")"},
    {"UnknownGueVariant", {"service", "add", "web", web_endpoint, "--gue-variant", "2"}, R"("2")"},
    {"PrefixWithHostBits", {"service", "add", "web", "203.0.113.1/24:80/tcp"}, "203.0.113.0/24"},
    {"SettleOfNoService", {"service", "settle"}, "--all"},
    {"SettleOfOneAndAll", {"service", "settle", "web", "--all"}, "--all"},
    {"MssBelowTheLeast", {"service", "set", "web", "--mss", "87"}, "88 to 65495"},
    {"TimeOutOfNoTime", {"service", "set", "web", "--idle-timeout", "soon"}, "\"soon\""},
    {"TimeOutTooLong", {"service", "set", "web", "--idle-timeout", "8d"}, "1s to 7d"},
    {"BackendWithAProtocol", {"backend", "add", "web", "10.0.0.11:8443/tcp"}, "10.0.0.11:8443/tcp"},
    {"WeightBelowZero", {"backend", "add", "web", backend_one, "--weight", "-5"}, R"("-5")"},
    {"WeightTooLarge", {"backend", "add", "web", backend_one, "--weight", "65536"}, "65536"},
    {"WeightOfNoNumber", {"backend", "set", "web", backend_one, "--weight", "ten"}, "ten"},
    {"UnknownState", {"backend", "set", "web", backend_one, "--state", "asleep"}, "asleep"},
    {"BackendSetOfNothing", {"backend", "set", "web", backend_one}, "nothing to set"},
    {"DrainWithoutBackend", {"backend", "drain", "web"}, "ADDR:PORT is required"},
    {"PolicySetOfNothing", {"policy", "set", "web"}, "nothing to set"},
    {"RateOfNoUnit", {"policy", "set", "web", "--flow-rate", "50furlongs"}, "50furlongs"},
    {"RateOfZero", {"policy", "set", "web", "--flow-rate", "0"}, R"("0")"},
    {"ConnectionRateOfNoNumber",
     {"policy", "set", "web", "--connection-rate", "many"},
     R"("many")"},
    {"LossOfNoShare", {"policy", "set", "web", "--loss", "1"}, R"("1")"},
    {"LossOfNearlyAll", {"policy", "set", "web", "--loss", "51%"}, "up to 50%"},
    {"MarkOfMoreThanAll", {"policy", "set", "web", "--mark", "100.1%"}, "up to 100%"},
    {"AggregateOfZero", {"policy", "set", "web", "--rate", "0"}, R"("0")"},
    {"IngressRateOfZero", {"policy", "set", "web", "--ingress-rate", "0mbit"}, R"("0mbit")"},
    {"FlowWeightOfZero", {"policy", "set", "web", "--flow-weight", "0"}, "from 1 to 100"},
    {"WindowOfNoSize", {"policy", "set", "web", "--window", "big"}, "big"},
    {"WeightOfNoPrefix", {"client-weight", "set", "web", "elsewhere", "3"}, "elsewhere"},
    {"WeightWithoutOne", {"client-weight", "set", "web", "198.51.100.7"}, "N is required"},
    {"ClientWeightTooLarge",
     {"client-weight", "set", "web", "198.51.100.7", "101"},
     "from 1 to 100"},
    {"FilterOfNoPrefix", {"filter", "deny", "web", "nowhere"}, "nowhere"},
    {"FilterWithHostBits", {"filter", "allow", "web", "198.51.100.7/24"}, "198.51.100.0/24"},
    {"FilterWithoutPrefix", {"filter", "deny", "web"}, "PREFIX is required"},
    {"UnknownComponent", {"attach", "steering", "lo"}, "steering"},
    {"NativeAndGeneric",
     {"attach", "steer", "lo", "--native", "--generic"},
     "attach: --native excludes --generic"},
    {"OnlyPaceMakesSegmentsSmall",
     {"attach", "steer", "lo", "--gso-max-segs", "1"},
     "attach steer: --gso-max-segs concerns departure times, which only pace sets"},
    {"NoPacketAtOnce", {"attach", "pace", "lo", "--gso-max-segs", "0"}, "packets from 1 to 65535"},
    {"MorePacketsThanThereCanBe",
     {"attach", "pace", "lo", "--gso-max-segs", "65536"},
     "packets from 1 to 65535"},
    {"PaceHasNoXdpMode", {"attach", "pace", "lo", "--generic"}, "pace attaches to tc"},
    {"CongestionOfABadName", {"congestion", "load", "--name", "a/b"}, "a/b"},
    {"LimitOfNoNumber", {"flow", "list", "--limit", "many"}, R"("many")"},
    {"LimitOfZero", {"flow", "list", "--limit", "0"}, R"("0")"},
    {"LimitBeyondAllFlows", {"flow", "list", "--limit", "99999999999999999999"}, "99999999999"},
    {"FlowOfOneEnd", {"flow", "show", "198.51.100.7:40000"}, "ENDPOINT is missing"},
    {"FlowOfNoAddress", {"flow", "show", "nowhere", web_endpoint}, "nowhere"},
    {"InstanceToCreateOfABadName", {"instance", "create", "a/b"}, "a/b"},
    {"NoServices", {"instance", "create", "--services", "0"}, "from 1 to 65536"},
    {"TooManyServices", {"instance", "create", "--services", "65537"}, R"(services "65537")"},
    {"TooManyBackends", {"instance", "create", "--backends", "1048577"}, "from 1 to 1048576"},
    {"TooFewFlows", {"instance", "create", "--flows", "1023"}, "from 1024 to 33554432"},
    {"TooManyFlows", {"instance", "create", "--flows", "33554433"}, R"(flows "33554433")"},
    {"InstanceToRemoveOfABadName", {"instance", "remove", "a/b"}, "a/b"},
};

INSTANTIATE_TEST_SUITE_P(Cli, MisusedCommand, testing::ValuesIn(misuses),
                         [](const auto& tested) { return tested.param.what; });

TEST(Cli, WithJsonAnErrorIsStillASentenceOnStderr) {
  const Outcome outcome = sluice_command({"--json", "service", "add", "web", "nowhere"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("sluice: "));
}

TEST(Cli, GlobalOptionsAreTakenBeforeAndAfterTheNouns) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--instance", "a/b", "service", "list"},
           {"service", "--instance", "a/b", "list"},
           {"service", "list", "--instance", "a/b"},
           {"--json", "service", "list", "--dry-run", "--instance=a/b"},
       }) {
    const Outcome outcome = sluice_command(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("instance name \"a/b\"")) << arguments.front();
  }
}

TEST(Cli, AServiceMayBeNamedLikeACommand) {
  // Reaches the check of the address, so "status" and "list" were taken as names.
  for (const char* name : {"status", "list", "add"}) {
    EXPECT_THAT(sluice_command({"service", "add", name, "nowhere"}).err, HasSubstr("nowhere"));
  }
}

TEST(Cli, AMissingDeviceIsAFailureAndNoMisuse) {
  for (const char* part : {"steer", "decap", "pace"}) {
    const Outcome outcome = sluice_command({"attach", part, "no-such-device"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(
        outcome.err,
        StartsWith(
            "sluice: device no-such-device: this network namespace has no device of that name"));
  }
}

TEST(Cli, VersionIsDataOfOneLine) {
  const Outcome outcome = sluice_command({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, testing::MatchesRegex("sluice [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(outcome.err, "");
}

// Every path below `path`, found in the help pages themselves.
void visit_help_pages(const std::vector<std::string>& path, size_t& pages) {
  auto arguments = path;
  arguments.emplace_back("--help");
  const Outcome outcome = sluice_command(arguments);
  std::string command = "sluice";
  for (const auto& word : path) command += " " + word;

  pages++;
  EXPECT_EQ(outcome.status, 0) << command;
  EXPECT_EQ(outcome.err, "") << command;
  // The first one: CLI11 lets a page without examples inherit those of its noun.
  EXPECT_THAT(outcome.out, testing::ContainsRegex("\nExample:\n  " + command + "[ \n]"));

  std::istringstream lines(outcome.out);
  bool listed = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "Subcommands:") {
      listed = true;
    } else if (line.empty()) {
      listed = false;
    } else if (listed) {
      auto next = path;
      next.push_back(line.substr(2, line.find(' ', 2) - 2));
      visit_help_pages(next, pages);
    }
  }
}

TEST(Cli, EveryHelpPageShowsAnExampleOfItself) {
  size_t pages = 0;
  visit_help_pages({}, pages);
  EXPECT_EQ(pages, 51);  // sluice itself, its nouns and their verbs
}

TEST(AbsentInstance, ADryRunAnswersAsTheFirstChangeWould) {
  AbsentInstance nothing;
  const auto change = service_add(nothing, "web", Endpoint::parse(web_endpoint).value(),
                                  {{&Service::mode, Mode::snat}}, Apply::only_show);
  ASSERT_TRUE(change) << change.error().text;
  EXPECT_TRUE(change->needed);
  EXPECT_THAT(change->sentence, AllOf(HasSubstr("web"), HasSubstr(web_endpoint)));
}

TEST(AbsentInstance, NothingCanBeWrittenToIt) {
  AbsentInstance nothing;
  EXPECT_FALSE(service_add(nothing, "web", Endpoint::parse(web_endpoint).value(),
                           {{&Service::mode, Mode::snat}}, Apply::perform));
}

class Telling : public testing::Test {
 protected:
  Context context(bool json, bool dry_run) {
    return {.out = out_,
            .err = err_,
            .instance = "sluice",
            .json = json,
            .dry_run = dry_run,
            .command = {}};
  }
  std::ostringstream out_;
  std::ostringstream err_;
};

const Change added{.needed = true, .sentence = "service web: added"};
const Change already{.needed = false, .sentence = "service web: is there already"};

TEST_F(Telling, AChangeIsAMessageAndNoData) {
  Context made = context(false, false);
  tell(made, added, {"a note"});
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "a note\nservice web: added\n");
}

TEST_F(Telling, WithJsonAChangeIsDataAndNoMessage) {
  Context made = context(true, false);
  tell(made, added, {"a note"});
  EXPECT_EQ(err_.str(), "");
  const auto document = nlohmann::json::parse(out_.str());
  EXPECT_EQ(document["changed"], true);
  EXPECT_EQ(document["dry_run"], false);
  EXPECT_EQ(document["sentence"], "service web: added");
  EXPECT_EQ(document["notes"], nlohmann::json::array({"a note"}));
}

TEST_F(Telling, TheAnswerOfADryRunIsData) {
  Context made = context(false, true);
  tell(made, added);
  EXPECT_EQ(out_.str(), "would change: service web: added\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(Telling, ADryRunWithoutAChangeReportsNone) {
  Context made = context(false, true);
  tell(made, already);
  EXPECT_EQ(out_.str(), "service web: is there already\n");
}

TEST_F(Telling, BytesThatAreNoTextAreValidJson) {
  Context made = context(true, false);
  tell(made, {.needed = true, .sentence = "steer: attached to eth\xff"});
  EXPECT_TRUE(nlohmann::json::accept(out_.str()));
}

}  // namespace
}  // namespace sluice
