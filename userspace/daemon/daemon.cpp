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
#include "daemon/health_checks.h"
#include "daemon/kernel_work.h"
#include "daemon/metrics.h"
#include "daemon/service_manager.h"
#include "daemon/statistics.h"
#include "daemon/weights.h"
#include "kernel/instance/daemon_lock.h"

namespace sluice {

namespace {

// Interval of reading the kernel's state, which other commands may have changed.
constexpr uint64_t kPollMs = 1000;
// Interval of reading the measured response times.
constexpr uint64_t kMeasureMs = 1000;
// The file is read this long after the last change in its directory: an editor makes several.
constexpr uint64_t kQuietMs = 50;

// Each health check under way needs a descriptor, and there may be thousands.
void raise_descriptor_limit() {
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

// Empty: the file cannot be read.
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
            loop_, std::random_device{}(), [this] { write_.start(0); }, ports.log),
        weights_(ports.log),
        write_(loop_, [this] { write_observations(); }),
        poll_(loop_, [this] { poll_kernel(); }),
        measure_(loop_, [this] { measure(); }),
        settle_(loop_, [this] { settle(); }),
        reread_(loop_, [this] { reread(false); }),
        alive_(loop_, [this] { alive(); }),
        statistics_(loop_, [this] { return statistics(); }) {}

  Result<void> run();

 private:
  Result<void> begin();
  Result<void> open_metrics();
  void follow(const Desired& desired);
  void reread(bool even_if_same);
  void take(const KernelState& state);
  void poll_kernel();
  void write_observations();
  void measure();
  void settle();
  void alive();
  void stop(Result<void> outcome);
  void log(const std::string& sentence) { ports_.log(sentence); }
  void log_changes(const std::vector<std::string>& sentences);
  void log_error(const Error& error);
  [[nodiscard]] DaemonStatistics statistics() const;

  const DaemonOptions& options_;
  const DaemonPorts& ports_;
  EventLoop loop_;
  std::optional<DaemonLock> lock_;
  KernelWork work_;
  Health health_;
  AdaptiveWeights weights_;
  Timer write_;
  Timer poll_;
  Timer measure_;
  Timer settle_;
  Timer reread_;
  Timer alive_;
  StatisticsChannel statistics_;
  std::unique_ptr<DirectoryWatch> watch_;
  std::unique_ptr<MetricsEndpoint> metrics_;
  RunOptions run_options_;
  std::optional<std::string> content_;  // of the file when it was last read
  bool writing_ = false;
  bool measuring_ = false;
  bool write_failed_ = false;  // the last time
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
  log(fmt::format("instance {}: follows {}", options_.instance, options_.file));
  poll_kernel();
  measure();
  alive();
  loop_.run();
  tell_stopping();
  metrics_.reset();
  work_.finish();
  return outcome_;
}

// The first file must be valid, and is in force before the daemon reports that it is ready.
Result<void> Daemon::begin() {
  raise_descriptor_limit();
  // Before reading the file, so that a change during the following steps is not missed.
  auto watch =
      DirectoryWatch::open(loop_, directory_of(options_.file), [this] { reread_.start(kQuietMs); });
  content_ = content_of(options_.file);
  const auto desired = TRY(ports_.read_file(options_.file));
  watch_ = TRY(std::move(watch));
  TRY(Instance::open_locked(options_.instance));
  lock_ = TRY(DaemonLock::take(options_.instance));
  const auto applied = TRY(ports_.apply(options_.instance, desired));
  log_changes(applied);
  file_applied_ = now_since_epoch();

  run_options_ = desired.run;
  if (options_.metrics) run_options_.metrics = options_.metrics;
  TRY(open_metrics());
  // Before the checks start, so that backends keep the standing that the kernel has for them.
  take(TRY(read_kernel_state(options_.instance)));
  health_.set_file(desired);
  weights_.set_file(desired);
  settle_.start(uint64_t{run_options_.settle_s} * 1000);
  return {};
}

Result<void> Daemon::open_metrics() {
  metrics_.reset();
  if (!run_options_.metrics) return {};
  metrics_ = TRY(MetricsEndpoint::open(*run_options_.metrics, options_.instance, statistics_));
  return {};
}

// After a change in the file's directory, and `even_if_same` after SIGHUP.
void Daemon::reread(bool even_if_same) {
  auto content = content_of(options_.file);
  if (!even_if_same && content == content_) return;
  content_ = std::move(content);
  auto desired = ports_.read_file(options_.file);
  file_valid_ = desired.has_value();
  if (!desired) {
    log(fmt::format("{}; the previous configuration stays in force", desired.error().text));
    tell_status(
        fmt::format("{} is broken; the previous configuration stays in force", options_.file));
    return;
  }
  tell_reloading();
  work_.apply(*desired, [this, desired = *desired](Result<std::vector<std::string>> applied) {
    file_valid_ = applied.has_value();
    if (applied) {
      log_changes(*applied);
      log(fmt::format("{}: applied", options_.file));
      file_applied_ = now_since_epoch();
      follow(desired);
    } else {
      log_error(applied.error());
    }
    tell_ready(fmt::format("follows {}", options_.file));
    poll_kernel();
  });
}

void Daemon::follow(const Desired& desired) {
  RunOptions wanted = desired.run;
  if (options_.metrics) wanted.metrics = options_.metrics;
  const bool moved = wanted.metrics != run_options_.metrics;
  run_options_ = wanted;
  if (moved) {
    if (auto opened = open_metrics(); !opened) log_error(opened.error());
  }
  health_.set_file(desired);
  weights_.set_file(desired);
  settle_.start(uint64_t{run_options_.settle_s} * 1000);
}

void Daemon::take(const KernelState& state) {
  health_.set_state(state);
  weights_.set_state(state);
}

void Daemon::poll_kernel() {
  if (!lock_->holds())
    return stop(failed("instance {}: was removed, so the daemon ends", options_.instance));
  work_.read_state(health_.probed_backends(), [this](Result<KernelState> state) {
    if (state)
      take(*state);
    else
      log_error(state.error());
    write_observations();
    poll_.start(kPollMs);
  });
}

void Daemon::write_observations() {
  if (writing_) return;
  write_failed_ = false;
  std::vector<Observation> observations = health_.marks();
  const std::vector<Observation> settings = weights_.settings();
  observations.insert(observations.end(), settings.begin(), settings.end());
  if (observations.empty()) return;
  writing_ = true;
  work_.observe(std::move(observations), [this](Result<std::vector<std::string>> observed) {
    if (observed)
      log_changes(*observed);
    else
      log_error(observed.error());
    // After an error the next poll tries again, no sooner.
    write_failed_ = !observed;
    // Results that came in meanwhile are compared with the new state.
    work_.read_state(health_.probed_backends(), [this](Result<KernelState> state) {
      writing_ = false;
      if (state) take(*state);
      if (!write_failed_) write_observations();
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
    if (!so_far) return log_error(so_far.error());
    for (const BackendName& name : weights_.measured(*so_far, loop_.now_ms()))
      health_.check_now(name);
    write_observations();
  });
}

void Daemon::settle() {
  work_.settle([this](Result<std::vector<Settling>> settlings) {
    if (!settlings) log_error(settlings.error());
    for (const Settling& settling : settlings.value_or(std::vector<Settling>{})) {
      settled_slots_ += settling.settled;
      if (settling.settled > 0) log(settling_text(settling));
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

void Daemon::log_changes(const std::vector<std::string>& sentences) {
  changes_ += sentences.size();
  for (const std::string& sentence : sentences) log(sentence);
}

void Daemon::log_error(const Error& error) {
  errors_++;
  log(error.text);
}

DaemonStatistics Daemon::statistics() const {
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
