// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice congestion watch: prints each state change of the instance's sockets as it happens.
#include <chrono>
#include <csignal>
#include <map>

#include "cli/flow_output.h"
#include "cli/flow_state.h"
#include "cli/nouns.h"
#include "cli/units.h"
#include "kernel/congestion/watch.h"
#include "model/decimal.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct WatchOptions {
  std::string service;
  std::string seconds;
  std::string count;
};

// Global, because a signal handler has no argument of ours.
volatile std::sig_atomic_t end_asked = 0;

// While it lives, SIGINT and SIGTERM end the watch with exit status 0.
class EndingSignals {
 public:
  EndingSignals() {
    end_asked = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { end_asked = 1; };
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
  }
  EndingSignals(const EndingSignals&) = delete;
  EndingSignals& operator=(const EndingSignals&) = delete;
  ~EndingSignals() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

// Empty: the largest value, which is as good as no limit (31 years of seconds).
Result<uint64_t> limit_of(const std::string& what, const std::string& text) {
  constexpr uint64_t most = 999'999'999;
  if (text.empty()) return most;
  const auto number = parse_decimal(text, most);
  if (!number || *number == 0)
    return misused("congestion watch: {} '{}': must be a number from 1 to {}", what, text, most);
  return *number;
}

// `outside`: the text for "no state", before a flow opens and after it closes.
std::string state_text(uint32_t state, const char* outside) {
  return state < SLUICE_CONGESTION_STATE_COUNT ? std::string(congestion_state_text(state))
                                               : outside;
}

class Printer {
 public:
  Printer(Context& context, const std::vector<Service>& services, std::string only)
      : context_(context), only_(std::move(only)) {
    for (const Service& service : services) names_[service.number] = service.name;
  }

  void print(const sluice_congestion_event& event) {
    const std::string service = names_[event.now.service];
    if (!only_.empty() && service != only_) return;
    printed_++;
    const std::string client = HostPort::from_raw(event.flow.source, event.flow.source_port).text();
    const std::string endpoint =
        HostPort::from_raw(event.flow.destination, event.flow.destination_port).text();
    const std::string from = state_text(event.from, "opened");
    const std::string to = state_text(event.to, "closed");
    if (context_.json) {
      const Json document{{"at_ns", event.at_ns},
                          {"client", client},
                          {"endpoint", endpoint},
                          {"service", service.empty() ? Json(nullptr) : Json(service)},
                          {"from", from},
                          {"to", to},
                          {"congestion", governed_json(event.now)}};
      context_.out << document.dump() << '\n' << std::flush;
      return;
    }
    if (began_ns_ == 0) began_ns_ = event.at_ns;
    context_.out
        << fmt::format(
               "{:>9.3f} s  {} {} {}  {} -> {}  cwnd {}, in flight {}, RTT {}, minimum {}, "
               "lost {}, marked {}",
               static_cast<double>(event.at_ns - began_ns_) / 1e9, client, endpoint,
               service.empty() ? "-" : service, from, to, event.now.cwnd_packets,
               event.now.inflight_packets, duration_for_people(event.now.srtt_us),
               duration_for_people(event.now.min_rtt_us), event.now.lost_packets,
               event.now.marked_packets)
        << '\n'
        << std::flush;
  }

  [[nodiscard]] uint64_t printed() const { return printed_; }

 private:
  Context& context_;
  std::string only_;
  std::map<uint32_t, std::string> names_;
  uint64_t began_ns_ = 0;
  uint64_t printed_ = 0;
};

Result<void> run_watch(const WatchOptions& options, Context& context) {
  const auto seconds = TRY(limit_of("--seconds", options.seconds));
  const auto count = TRY(limit_of("--count", options.count));
  auto instance = TRY(Instance::open(context.instance));
  if (!options.service.empty()) {
    TRY(service_named(instance.dataplane().configuration, options.service));
  }
  const auto services = TRY(instance.dataplane().configuration.services());
  auto watch = TRY(CongestionWatch::open(instance.directory()));

  const EndingSignals signals;
  Printer printer(context, services, options.service);
  const auto began = std::chrono::steady_clock::now();
  const auto take = [&](const sluice_congestion_event& event) {
    if (printer.printed() < count) printer.print(event);
  };
  while (end_asked == 0 && printer.printed() < count &&
         std::chrono::steady_clock::now() - began < std::chrono::seconds(seconds)) {
    TRY(watch.wait(100ms, take));
  }
  if (const uint64_t dropped = watch.dropped(); dropped > 0)
    context.err << fmt::format("{} changes are missing: they came faster than they were read\n",
                               dropped);
  return {};
}

}  // namespace

void add_congestion_watch(CLI::App* noun, Context& context) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* verb =
      add_verb(*noun, "watch", "Print each state change of its sockets as it happens",
               "  sluice congestion watch --service web\n"
               "  sluice congestion watch --seconds 60 --json | jq 'select(.to == \"timeout\")'\n");
  add_value(verb, "--service", "NAME", options->service, "only flows of this service");
  add_value(verb, "--seconds", "N", options->seconds,
            "stop after N seconds (default: at a signal)");
  add_value(verb, "--count", "N", options->count, "stop after N changes");
  runs(verb, context, options, run_watch);
}

}  // namespace sluice
