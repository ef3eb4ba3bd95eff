// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/daemon.h"

#include <sys/resource.h>
#include <sys/time.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "daemon/event_loop.h"
#include "daemon/figures.h"
#include "daemon/health.h"
#include "daemon/metrics.h"
#include "daemon/service_manager.h"
#include "daemon/weights.h"
#include "kernel/instance/daemon_lock.h"

namespace sluice {

namespace {

// How often the kernel is looked at for what others changed there.
constexpr uint64_t kLookMs = 1000;
// How often what is measured is looked at.
constexpr uint64_t kMeasureMs = 1000;
// An editor's several steps are one change.
constexpr uint64_t kQuietMs = 50;

// Thousands of checks at once are thousands of descriptors.
void take_all_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

double now_since_epoch() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

std::string directory_of(const std::string& file) {
  const std::string parent = std::filesystem::path(file).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Nothing: it cannot be read.
std::optional<std::string> content_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

class Daemon {
 public:
  Daemon(const DaemonOptions& options, const DaemonPorts& ports)
      : options_(options),
        ports_(ports),
        work_(loop_, options.instance, ports.apply),
        health_(
            loop_, std::random_device{}(), [this] { mark_.start(0); }, ports.say),
        weights_(ports.say),
        mark_(loop_, [this] { mark(); }),
        look_(loop_, [this] { look(); }),
        measure_(loop_, [this] { measure(); }),
        settle_(loop_, [this] { settle(); }),
        reread_(loop_, [this] { reread(false); }),
        alive_(loop_, [this] { alive(); }),
        exchange_(loop_, [this] { return figures(); }) {}

  Result<void> run();

 private:
  Result<void> begin();
  Result<void> open_metrics();
  void follow(const Desired& desired);
  void reread(bool even_if_same);
  void take(const KernelState& state);
  void look();
  void mark();
  void measure();
  void settle();
  void alive();
  void stop(Result<void> outcome);
  void say(const std::string& words) { ports_.say(words); }
  void say_all(const std::vector<std::string>& sentences);
  void complain(const Error& error);
  [[nodiscard]] DaemonFigures figures() const;

  const DaemonOptions& options_;
  const DaemonPorts& ports_;
  EventLoop loop_;
  std::optional<DaemonLock> lock_;
  KernelWork work_;
  Health health_;
  AdaptiveWeights weights_;
  Timer mark_;
  Timer look_;
  Timer measure_;
  Timer settle_;
  Timer reread_;
  Timer alive_;
  FiguresExchange exchange_;
  std::unique_ptr<DirectoryWatch> watch_;
  std::unique_ptr<MetricsEndpoint> metrics_;
  RunOptions run_options_;
  std::optional<std::string> content_;  // of the file, when it was read last
  bool marking_ = false;
  bool measuring_ = false;
  bool mark_again_ = false;  // the last try failed
  bool file_valid_ = true;
  double file_applied_ = 0;
  uint64_t changes_ = 0;
  uint64_t errors_ = 0;
  uint64_t settled_slots_ = 0;
  Result<void> outcome_{};
};

Result<void> Daemon::run() {
  TRY(begin());
  const SignalWatch terminate(loop_, SIGTERM, [this] { stop({}); });
  const SignalWatch interrupt(loop_, SIGINT, [this] { stop({}); });
  const SignalWatch reload(loop_, SIGHUP, [this] { reread(true); });
  tell_ready(fmt::format("follows {}", options_.file));
  say(fmt::format("instance {}: follows {}", options_.instance, options_.file));
  look();
  measure();
  alive();
  loop_.run();
  tell_stopping();
  metrics_.reset();
  work_.finish();
  return outcome_;
}

// The first file has to be good; what it says is in force before anybody is told so.
Result<void> Daemon::begin() {
  take_all_descriptors();
  // First: a change while the file is applied is one that has to be followed.
  auto watch =
      DirectoryWatch::open(loop_, directory_of(options_.file), [this] { reread_.start(kQuietMs); });
  content_ = content_of(options_.file);
  const auto desired = TRY(ports_.read_file(options_.file));
  if (!watch) return tl::unexpected(watch.error());
  watch_ = std::move(*watch);
  TRY(Instance::open_locked(options_.instance));
  auto lock = TRY(DaemonLock::take(options_.instance));
  lock_ = std::move(lock);
  const auto applied = TRY(ports_.apply(options_.instance, desired));
  say_all(applied);
  file_applied_ = now_since_epoch();

  run_options_ = desired.run;
  if (options_.metrics) run_options_.metrics = options_.metrics;
  TRY(open_metrics());
  // Who is marked is known before the first check is.
  auto state = TRY(read_kernel_state(options_.instance));
  take(state);
  health_.set_file(desired);
  weights_.set_file(desired);
  settle_.start(uint64_t{run_options_.settle_s} * 1000);
  return {};
}

Result<void> Daemon::open_metrics() {
  metrics_.reset();
  if (!run_options_.metrics) return {};
  auto opened = TRY(MetricsEndpoint::open(*run_options_.metrics, options_.instance, exchange_));
  metrics_ = std::move(opened);
  return {};
}

// Something in its directory changed, or somebody asked by SIGHUP.
void Daemon::reread(bool even_if_same) {
  auto content = content_of(options_.file);
  if (!even_if_same && content == content_) return;
  content_ = std::move(content);
  auto desired = ports_.read_file(options_.file);
  file_valid_ = desired.has_value();
  if (!desired) {
    say(fmt::format("{}; everything stays as it is", desired.error().text));
    tell_status(fmt::format("{} is broken; the state before it stays", options_.file));
    return;
  }
  tell_reloading();
  work_.apply(*desired, [this, desired = *desired](Result<std::vector<std::string>> applied) {
    file_valid_ = applied.has_value();
    if (applied) {
      say_all(*applied);
      say(fmt::format("{}: applied", options_.file));
      file_applied_ = now_since_epoch();
      follow(desired);
    } else {
      complain(applied.error());
    }
    tell_ready(fmt::format("follows {}", options_.file));
    look();
  });
}

void Daemon::follow(const Desired& desired) {
  RunOptions wanted = desired.run;
  if (options_.metrics) wanted.metrics = options_.metrics;
  const bool moved = wanted.metrics != run_options_.metrics;
  run_options_ = wanted;
  if (moved) {
    if (auto opened = open_metrics(); !opened) complain(opened.error());
  }
  health_.set_file(desired);
  weights_.set_file(desired);
  settle_.start(uint64_t{run_options_.settle_s} * 1000);
}

void Daemon::take(const KernelState& state) {
  health_.set_state(state);
  weights_.set_state(state);
}

void Daemon::look() {
  if (!lock_->holds())
    return stop(
        failed("instance {}: was removed; there is nothing left to look after", options_.instance));
  work_.look(health_.probed_backends(), [this](Result<KernelState> state) {
    if (state)
      take(*state);
    else
      complain(state.error());
    mark();
    look_.start(kLookMs);
  });
}

void Daemon::mark() {
  if (marking_) return;
  mark_again_ = false;
  std::vector<Observation> observations = health_.marks();
  const std::vector<Observation> settings = weights_.settings();
  observations.insert(observations.end(), settings.begin(), settings.end());
  if (observations.empty()) return;
  marking_ = true;
  work_.observe(std::move(observations), [this](Result<std::vector<std::string>> observed) {
    if (observed)
      say_all(*observed);
    else
      complain(observed.error());
    // After an error the next look tries it again, no sooner.
    mark_again_ = !observed;
    // What has changed meanwhile is compared with what the kernel has now.
    work_.look(health_.probed_backends(), [this](Result<KernelState> state) {
      marking_ = false;
      if (state) take(*state);
      if (!mark_again_) mark();
    });
  });
}

void Daemon::measure() {
  const std::vector<uint32_t> services = weights_.services();
  measure_.start(kMeasureMs);
  if (services.empty() || measuring_) return;
  measuring_ = true;
  work_.measure(services, weights_.backends(), [this](Result<std::map<uint32_t, Latency>> so_far) {
    measuring_ = false;
    if (!so_far) return complain(so_far.error());
    for (const BackendName& name : weights_.measured(*so_far, loop_.now_ms())) health_.hurry(name);
    mark();
  });
}

void Daemon::settle() {
  work_.settle([this](Result<std::vector<Settling>> settlings) {
    if (!settlings) complain(settlings.error());
    for (const Settling& settling : settlings.value_or(std::vector<Settling>{})) {
      settled_slots_ += settling.settled;
      if (settling.settled > 0) say(settling_text(settling));
    }
    settle_.start(uint64_t{run_options_.settle_s} * 1000);
  });
}

void Daemon::alive() {
  const uint64_t every_ms = watchdog_interval_ms();
  if (every_ms == 0) return;
  tell_alive();
  alive_.start(every_ms);
}

void Daemon::stop(Result<void> outcome) {
  outcome_ = std::move(outcome);
  loop_.stop();
}

void Daemon::say_all(const std::vector<std::string>& sentences) {
  changes_ += sentences.size();
  for (const std::string& sentence : sentences) say(sentence);
}

void Daemon::complain(const Error& error) {
  errors_++;
  say(error.text);
}

DaemonFigures Daemon::figures() const {
  return {.progress = health_.prober().progress(),
          .totals = health_.prober().totals(),
          .advice = weights_.advice(),
          .file_valid = file_valid_,
          .file_applied = file_applied_,
          .changes = changes_,
          .errors = errors_,
          .settled_slots = settled_slots_};
}

}  // namespace

Result<void> run_daemon(const DaemonOptions& options, const DaemonPorts& ports) {
  return Daemon(options, ports).run();
}

}  // namespace sluice
