// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Queries and responses of DNS checks, byte by byte (RFC 1035, 4.1).
#include "daemon/dns_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr uint16_t id = 0x1234;

HealthCheck asks_for(const std::string& type, const std::string& answer = {}) {
  HealthCheck check;
  check.kind = CheckKind::dns;
  check.query = "www.example.org";
  check.type = type;
  check.answer = answer;
  return check;
}

const std::string question(
    "\x03www\x07"
    "example\x03org\0\0\x01\0\x01",
    21);

std::string header(char flags_low, char answers) {
  return std::string("\x12\x34\x81", 3) + flags_low + std::string("\0\x01\0", 3) + answers +
         std::string("\0\0\0\0", 4);
}

// A response with one record: the query's name, this type, this data.
std::string answer_with(char type, const std::string& data) {
  return header('\x80', '\x01') + question + std::string("\xc0\x0c\0", 3) + type +
         std::string("\0\x01\0\0\0\x3c\0", 7) + static_cast<char>(data.size()) + data;
}

TEST(DnsQuestion, HasOneQuestionAndDesiresRecursion) {
  const auto message = dns_question(asks_for("A"), id);
  ASSERT_TRUE(message);
  EXPECT_EQ(*message, std::string("\x12\x34\x01\0\0\x01\0\0\0\0\0\0", 12) + question);
}

TEST(DnsQuestion, InvalidNameIsRefused) {
  HealthCheck check = asks_for("A");
  check.query = std::string(300, 'a');
  EXPECT_FALSE(dns_question(check, id));
}

TEST(DnsJudge, AnyResponseWithoutAnErrorPasses) {
  EXPECT_EQ(dns_judge(asks_for("A"), id, header('\x80', '\0') + question).why, "");
}

TEST(DnsJudge, ErrorIsReportedByName) {
  EXPECT_EQ(dns_judge(asks_for("A"), id, header('\x82', '\0') + question).why, "SERVFAIL");
  EXPECT_EQ(dns_judge(asks_for("A"), id, header('\x83', '\0') + question).why, "NXDOMAIN");
}

TEST(DnsJudge, ExpectedRecordIsLookedFor) {
  const std::string a("\x0a\0\0\x07", 4);
  EXPECT_EQ(dns_judge(asks_for("A", "10.0.0.7"), id, answer_with(1, a)).why, "");
  EXPECT_EQ(dns_judge(asks_for("A", "10.0.0.8"), id, answer_with(1, a)).why,
            "10.0.0.7; expected 10.0.0.8");
  EXPECT_EQ(dns_judge(asks_for("TXT", "well"), id, answer_with(16, "\x04well")).why, "");
  const std::string mx = std::string("\0\x0a", 2) + "\x04mail" + std::string("\xc0\x10", 2);
  EXPECT_EQ(dns_judge(asks_for("MX", "mail.example.org."), id, answer_with(15, mx)).why, "");
  EXPECT_THAT(dns_judge(asks_for("A", "10.0.0.8"), id, header('\x80', '\0') + question).why,
              StartsWith("no record"));
}

TEST(DnsJudge, MessageThatIsNotTheResponseIsStray) {
  EXPECT_TRUE(dns_judge(asks_for("A"), id + 1, header('\x80', '\0') + question).stray);
  EXPECT_TRUE(dns_judge(asks_for("A"), id, "short").stray);
  std::string echo = header('\x80', '\0') + question;
  echo[2] = '\x01';  // a question, not an answer
  EXPECT_TRUE(dns_judge(asks_for("A"), id, echo).stray);
}

TEST(DnsJudge, TruncatedResponseIsNotReadBeyondItsEnd) {
  const std::string whole = answer_with(1, std::string("\x0a\0\0\x07", 4));
  for (size_t bytes = 12; bytes < whole.size(); bytes++) {
    const DnsVerdict verdict = dns_judge(asks_for("A", "10.0.0.7"), id, whole.substr(0, bytes));
    EXPECT_TRUE(verdict.stray || !verdict.why.empty()) << bytes;
  }
}

}  // namespace
}  // namespace sluice
