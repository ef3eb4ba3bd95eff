// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks of every kind against servers on this host's loopback: which pass, which fail, and that
// each ends at its time-out.
#include "daemon/prober.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

namespace sluice {
namespace {

using testing::HasSubstr;

const BackendName name{"web", "one"};

// Listens on a port that the kernel chooses.
class Listener {
 public:
  explicit Listener(int type) : fd_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(type == SOCK_STREAM ? listen(fd_.get(), 16) : 0, 0);
    socklen_t bytes = sizeof(at);
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &bytes);
    port_ = ntohs(at.sin_port);
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] HostPort at() const { return {Address::parse("127.0.0.1").value(), port_}; }

 private:
  Fd fd_;
  uint16_t port_ = 0;
};

// Answers every connection with these bytes, until it is destroyed. `hangs`: then keeps the
// connection open.
class HttpServer {
 public:
  explicit HttpServer(std::string bytes, bool hangs = false)
      : listener_(SOCK_STREAM), thread_([this, bytes = std::move(bytes), hangs] {
          for (;;) {
            Fd client(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!client.valid()) return;
            char request[1024];
            if (recv(client.get(), request, sizeof(request), 0) <= 0) continue;
            (void)!write(client.get(), bytes.data(), bytes.size());
            if (hangs) kept_.push_back(std::move(client));
          }
        }) {}
  ~HttpServer() {
    shutdown(listener_.fd(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] HostPort at() const { return listener_.at(); }

 private:
  Listener listener_;
  std::vector<Fd> kept_;
  std::thread thread_;
};

HealthCheck check_of(CheckKind kind) {
  HealthCheck check;
  check.kind = kind;
  check.interval_ms = 10;
  check.timeout_ms = 20000;  // long, for a loaded machine
  check.jitter_percent = 0;
  check.rise = 1;
  check.fall = 1;
  return check;
}

// Runs until one check has ended.
Progress outcome(const HealthCheck& check, const HostPort& at, bool failing = false) {
  EventLoop loop;
  Prober prober(loop, 1, [](const BackendName&, bool, const std::string&) {});
  Watched watched;
  watched.name = name;
  watched.check = std::make_shared<const HealthCheck>(check);
  watched.subject.at = at;
  watched.subject.service = "web";
  watched.subject.host = "www.example.org";
  watched.failing = failing;
  prober.watch({watched});
  Progress progress;
  Timer look(loop, [&] {
    progress = prober.progress().front();
    const CheckCounts& counts = progress.counts;
    if (counts.passed + counts.failed + counts.unable > 0)
      loop.stop();
    else
      look.start(1);
  });
  look.start(1);
  loop.run();
  return progress;
}

TEST(Prober, TcpPassesIfThePortListens) {
  const Listener listener(SOCK_STREAM);
  const Progress progress = outcome(check_of(CheckKind::tcp), listener.at(), true);
  EXPECT_GE(progress.counts.passed, 1U);
  EXPECT_FALSE(progress.standing.failing);
}

// The check never sends the last ACK, so the connection never reaches the accept queue.
TEST(Prober, TcpLeavesNoConnectionToTheServer) {
  const Listener listener(SOCK_STREAM);
  outcome(check_of(CheckKind::tcp), listener.at());
  ASSERT_EQ(fcntl(listener.fd(), F_SETFL, O_NONBLOCK), 0);
  EXPECT_EQ(accept(listener.fd(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(Prober, TcpFailureHasTheReason) {
  HostPort closed;
  {
    const Listener listener(SOCK_STREAM);
    closed = listener.at();
  }
  const Progress progress = outcome(check_of(CheckKind::tcp), closed);
  EXPECT_TRUE(progress.standing.failing);
  EXPECT_EQ(progress.why, "Connection refused");
}

TEST(Prober, HttpPassesByStatusAndBody) {
  const HttpServer server("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall well");
  HealthCheck check = check_of(CheckKind::http);
  EXPECT_EQ(outcome(check, server.at()).why, "");
  check.body = "all well";
  EXPECT_EQ(outcome(check, server.at()).why, "");
  check.body = "not there";
  EXPECT_EQ(outcome(check, server.at()).why, "the expected text is not in the body");
  check.status = {{300, 399}};
  EXPECT_EQ(outcome(check, server.at()).why, "status 200");
}

TEST(Prober, EndlessHttpBodyIsReadOnlyUntilTheDecision) {
  const HttpServer server(
      "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + std::string(200000, 'x'), true);
  HealthCheck check = check_of(CheckKind::http);
  EXPECT_EQ(outcome(check, server.at()).why, "");
  check.body = "never comes";
  EXPECT_EQ(outcome(check, server.at()).why, "the expected text is not in the body");
}

TEST(Prober, SilentServerFailsAtTheTimeOut) {
  const HttpServer server("", true);
  HealthCheck check = check_of(CheckKind::http);
  check.timeout_ms = 50;
  const Progress progress = outcome(check, server.at());
  EXPECT_EQ(progress.why, "no response within 50 ms");
  EXPECT_GE(progress.counts.timed_out, 1U);
}

TEST(Prober, UdpPassesIfTheResponseHasTheText) {
  Listener listener(SOCK_DGRAM);
  std::thread echo([&] {
    for (int i = 0; i < 2; i++) {
      char bytes[64];
      sockaddr_storage from{};
      socklen_t length = sizeof(from);
      const ssize_t got = recvfrom(listener.fd(), bytes, sizeof(bytes), 0,
                                   reinterpret_cast<sockaddr*>(&from), &length);
      if (got > 0)
        (void)sendto(listener.fd(), bytes, static_cast<size_t>(got), 0,
                     reinterpret_cast<sockaddr*>(&from), length);
    }
  });
  HealthCheck check = check_of(CheckKind::udp);
  check.request = "are you well?";
  check.response = "well";
  const Progress good = outcome(check, listener.at());
  check.response = "ill";
  const Progress bad = outcome(check, listener.at());
  shutdown(listener.fd(), SHUT_RDWR);
  echo.join();
  EXPECT_EQ(good.why, "");
  EXPECT_EQ(bad.why, "the response does not contain the expected text");
}

// Datagrams that are not responses arrive faster than the time-out, without end.
TEST(Prober, EndlessStrayDatagramsFailAtTheTimeOut) {
  Listener listener(SOCK_DGRAM);
  std::atomic<bool> stop = false;
  std::thread babble([&] {
    char bytes[512];
    sockaddr_storage from{};
    socklen_t length = sizeof(from);
    if (recvfrom(listener.fd(), bytes, sizeof(bytes), 0, reinterpret_cast<sockaddr*>(&from),
                 &length) <= 0)
      return;
    while (!stop) {
      (void)sendto(listener.fd(), "babble", 6, 0, reinterpret_cast<sockaddr*>(&from), length);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  HealthCheck check = check_of(CheckKind::dns);
  check.query = "www.example.org";
  check.timeout_ms = 100;
  const Progress progress = outcome(check, listener.at());
  stop = true;
  shutdown(listener.fd(), SHUT_RDWR);
  babble.join();
  EXPECT_EQ(progress.why, "no response within 100 ms");
}

TEST(Prober, UdpToAClosedPortFails) {
  HostPort closed;
  {
    const Listener listener(SOCK_DGRAM);
    closed = listener.at();
  }
  EXPECT_EQ(outcome(check_of(CheckKind::udp), closed).why, "Connection refused");
}

TEST(Prober, ScriptPassesIfItExitsWithZero) {
  const HostPort at{Address::parse("10.0.0.11").value(), 8443};
  HealthCheck check = check_of(CheckKind::script);
  check.command = {"/bin/sh", "-c",
                   "test \"$SLUICE_SERVICE $SLUICE_BACKEND $SLUICE_ADDRESS $SLUICE_PORT\" = "
                   "'web 10.0.0.11:8443 10.0.0.11 8443'"};
  EXPECT_EQ(outcome(check, at).why, "");
  check.command = {"/bin/sh", "-c", "exit 3"};
  EXPECT_EQ(outcome(check, at).why, "ended with 3");
}

// No such process, or a zombie.
bool is_dead(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  char state = 'Z';
  stat >> word >> word >> state;
  return state == 'Z' || state == 'X';
}

TEST(Prober, HangingScriptFailsAtTheTimeOut) {
  HealthCheck check = check_of(CheckKind::script);
  check.timeout_ms = 50;
  check.command = {"/bin/sh", "-c", "sleep 1000 & sleep 1000"};
  EXPECT_EQ(outcome(check, {}).why, "no response within 50 ms");
}

TEST(Prober, ProcessesThatAScriptStartedAreKilledWithIt) {
  const std::string file = testing::TempDir() + "sluice_prober_script";
  HealthCheck check = check_of(CheckKind::script);
  check.command = {"/bin/sh", "-c", "sleep 1000 & echo $! >" + file};
  EXPECT_EQ(outcome(check, {}).why, "");
  pid_t child = 0;
  std::ifstream(file) >> child;
  std::remove(file.c_str());
  ASSERT_GT(child, 0);
  for (int i = 0; i < 1000 && !is_dead(child); i++)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(is_dead(child));
  kill(child, SIGKILL);
}

TEST(Prober, CheckThatThisHostCannotSendLeavesTheStandingUnchanged) {
  HealthCheck check = check_of(CheckKind::script);
  check.command = {"/nowhere/check"};
  const Progress progress = outcome(check, {});
  EXPECT_GE(progress.counts.unable, 1U);
  EXPECT_FALSE(progress.standing.failing);
  EXPECT_THAT(progress.why, HasSubstr("/nowhere/check: no such file"));
}

TEST(Prober, WatchedBackendKeepsItsStanding) {
  EventLoop loop;
  Prober prober(loop, 1, [](const BackendName&, bool, const std::string&) {});
  Watched watched;
  watched.name = name;
  watched.check = std::make_shared<const HealthCheck>(check_of(CheckKind::tcp));
  watched.failing = true;
  prober.watch({watched});
  watched.failing = false;
  prober.watch({watched});
  EXPECT_TRUE(prober.failing(name));
  prober.watch({});
  EXPECT_FALSE(prober.failing(name));
}

// Without check_now() the first check would come some time in the next three hours.
TEST(Prober, CheckNowBeginsTheCheckAtOnceUnlessPassiveIsOff) {
  for (const bool passive : {true, false}) {
    const Listener listener(SOCK_STREAM);
    EventLoop loop;
    Prober prober(loop, 1, [](const BackendName&, bool, const std::string&) {});
    HealthCheck check = check_of(CheckKind::tcp);
    check.interval_ms = 10'000'000;
    check.passive = passive;
    Watched watched;
    watched.name = name;
    watched.check = std::make_shared<const HealthCheck>(check);
    watched.subject.at = listener.at();
    prober.watch({watched});
    prober.check_now(name);
    prober.check_now({"web", "unknown"});
    Timer enough(loop, [&] { loop.stop(); });
    enough.start(passive ? 10000 : 100);
    Timer look(loop, [&] {
      if (prober.progress().front().counts.passed > 0)
        loop.stop();
      else
        look.start(1);
    });
    look.start(1);
    loop.run();
    EXPECT_EQ(prober.progress().front().counts.passed, passive ? 1U : 0U);
  }
}

}  // namespace
}  // namespace sluice
