// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Length: one program; the figures share its fixture.
// bench change: from command to live, for a change of one backend of many: the library call until
// the packet path finds another ring, watched from a second thread. And how many slots it moves
// beyond those that must. Run through tools/bench, which gives it namespaces of its own.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "control/changes.h"
#include "control/configuration.h"
#include "kernel/state/kernel_dataplane.h"
#include "kernel/state/objects.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"

namespace sluice::benchmark {
namespace {

using Time = std::chrono::steady_clock;

constexpr const char* kService = "web";
constexpr size_t kTrials = 15;
constexpr uint32_t kWeight = 100;

double ms_since(Time::time_point start, Time::time_point end = Time::now()) {
  return std::chrono::duration<double, std::milli>(end - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// When the packet path finds another ring: its head is another.
class Watch {
 public:
  Watch(int rings_fd, uint32_t service) : rings_fd_(rings_fd), service_(service) {
    const uint64_t before = ring_head();
    thread_ = std::thread([this, before] {
      watching_ = true;
      while (!stopped_ && ring_head() == before) {
      }
      live_ = Time::now();
    });
    while (!watching_) std::this_thread::yield();
  }
  Time::time_point live() {
    stopped_ = true;
    thread_.join();
    return live_;
  }

 private:
  [[nodiscard]] uint64_t ring_head() const {
    sluice_ring_head head{};
    (void)bpf_map_lookup_elem(rings_fd_, &service_, &head);
    return head.word;
  }

  int rings_fd_;
  uint32_t service_;
  std::atomic<bool> watching_ = false;
  std::atomic<bool> stopped_ = false;
  Time::time_point live_;
  std::thread thread_;
};

// An instance with one service of so many backends.
class Fleet {
 public:
  explicit Fleet(uint32_t backends)
      : backends_(backends),
        directory_(instance_directory(fmt::format("+change-{}-{}", getpid(), backends))) {}
  ~Fleet() { (void)remove_tree(directory_); }
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  Result<void> make();
  [[nodiscard]] HostPort at(uint32_t backend) const {
    return HostPort::parse(fmt::format("10.1.{}.{}:80", backend / 250, backend % 250 + 1)).value();
  }
  [[nodiscard]] KernelDataplane& dataplane() { return *dataplane_; }
  [[nodiscard]] Watch watch() const { return Watch(rings_.fd(), service_.number); }
  Result<Ring> ring() { return dataplane_->packet_path.ring(service_); }
  [[nodiscard]] uint32_t backends() const { return backends_; }

 private:
  uint32_t backends_;
  std::string directory_;
  std::unique_ptr<KernelDataplane> dataplane_;
  Map<uint32_t, sluice_ring_head> rings_;
  Service service_;
};

Result<void> Fleet::make() {
  sluice_instance root{};
  root.schema = SLUICE_SCHEMA_VERSION;
  root.seed.words[0] = 1;
  if (auto made = make_directory(directory_); !made) return made;
  if (auto loaded = load_objects(directory_, {1024, 16384, 262144}, root); !loaded) return loaded;
  auto instance = Map<uint32_t, sluice_instance>::open(directory_, "instance");
  if (!instance) return tl::unexpected(instance.error());
  if (auto put = instance->put(0, root); !put) return put;
  dataplane_ = TRY(KernelDataplane::open(directory_));
  auto rings = Map<uint32_t, sluice_ring_head>::open(directory_, "ring_heads");
  if (!rings) return tl::unexpected(rings.error());
  rings_ = std::move(*rings);

  const auto endpoint = Endpoint::parse("203.0.113.10:80/tcp").value();
  auto change =
      service_add(*dataplane_, kService, endpoint, {{&Service::mode, Mode::ipip}}, Apply::perform);
  if (!change) return tl::unexpected(change.error());
  auto services = dataplane_->configuration.services();
  if (!services) return tl::unexpected(services.error());
  service_ = services->front();
  // All but the last are laid out by hand; the last one's addition builds the ring.
  for (uint32_t i = 0; i + 1 < backends_; i++) {
    Backend backend;
    backend.service = service_.number;
    backend.at = at(i);
    backend.number = i + 1;
    backend.weight = kWeight;
    const Address source = Address::parse("10.254.0.1").value();
    TRY(dataplane_->configuration.write_all({.backends = {backend}}));
    TRY(dataplane_->packet_path.write_backend(service_, backend, source));
  }
  change = backend_add(*dataplane_, kService, at(backends_ - 1), kWeight, Apply::perform);
  if (!change) return tl::unexpected(change.error());
  return {};
}

struct Figure {
  const char* change = nullptr;
  uint32_t backends = 0;
  size_t slots = 0;
  double live_ms = 0;  // medians
  double returns_ms = 0;
  double moved = 0;
  double necessary = 0;
  double beyond_percent = 0;  // of the necessary
};

// What the call does, one by one and alone.
struct Split {
  double configuration_ms = 0;
  double ring_ms = 0;
  double maglev_ms = 0;
  double transition_ms = 0;
  double lines_ms = 0;
};

struct Moved {
  double all = 0;
  double necessary = 0;
};

// A backend that gains slots takes them from others; every other move is unnecessary.
Moved moved_between(const Ring& before, const Ring& after) {
  std::map<uint32_t, int64_t> gained;
  Moved moved;
  for (size_t i = 0; i < after.size(); i++) {
    const uint32_t from = before[i * before.size() / after.size()].backend;
    if (from == after[i].backend) continue;
    moved.all++;
    gained[after[i].backend]++;
    gained[from]--;
  }
  for (const auto& [backend, slots] : gained) {
    if (slots > 0) moved.necessary += static_cast<double>(slots);
  }
  return moved;
}

using Act = std::function<Result<Change>(Dataplane)>;

struct Kind {
  const char* name;
  Act act;
  Act undo;
};

std::vector<Kind> kinds(const Fleet& fleet) {
  const HostPort guest = fleet.at(fleet.backends());
  const HostPort member = fleet.at(fleet.backends() / 2);
  const auto set = [member](BackendPatch patch) {
    return [=](Dataplane d) { return backend_set(d, kService, member, patch, Apply::perform); };
  };
  return {
      {"add",
       [guest](Dataplane d) { return backend_add(d, kService, guest, kWeight, Apply::perform); },
       [guest](Dataplane d) { return backend_remove(d, kService, guest, Apply::perform); }},
      {"drain", set({std::nullopt, BackendState::draining}), set({std::nullopt, BackendState::up})},
      {"weight", set({kWeight / 2, std::nullopt}), set({kWeight, std::nullopt})}};
}

Result<Figure> measure(Fleet& fleet, const Kind& kind) {
  std::vector<double> live;
  std::vector<double> returns;
  std::vector<double> moved;
  std::vector<double> necessary;
  Figure figure{.change = kind.name, .backends = fleet.backends()};
  for (size_t trial = 0; trial < kTrials; trial++) {
    auto before = fleet.ring();
    if (!before) return tl::unexpected(before.error());
    Watch watch = fleet.watch();
    const auto start = Time::now();
    auto change = kind.act(fleet.dataplane());
    const auto end = Time::now();
    const auto seen = watch.live();
    if (!change) return tl::unexpected(change.error());
    auto after = fleet.ring();
    if (!after) return tl::unexpected(after.error());
    live.push_back(ms_since(start, seen));
    returns.push_back(ms_since(start, end));
    const Moved slots = moved_between(*before, *after);
    moved.push_back(slots.all);
    necessary.push_back(slots.necessary);
    figure.slots = after->size();
    if (auto undone = kind.undo(fleet.dataplane()); !undone) return tl::unexpected(undone.error());
  }
  figure.live_ms = median(live);
  figure.returns_ms = median(returns);
  figure.moved = median(moved);
  figure.necessary = median(necessary);
  figure.beyond_percent = 100 * (figure.moved - figure.necessary) / figure.necessary;
  return figure;
}

Result<Split> split(Fleet& fleet) {
  std::vector<double> times[5];
  for (size_t trial = 0; trial < kTrials; trial++) {
    auto at = Time::now();
    const auto lap = [&](size_t part) {
      times[part].push_back(ms_since(at));
      at = Time::now();
    };
    auto configuration = Configuration::load(fleet.dataplane().configuration);
    if (!configuration) return tl::unexpected(configuration.error());
    lap(0);
    auto ring = fleet.ring();
    if (!ring) return tl::unexpected(ring.error());
    lap(1);
    std::vector<RingMember> members;
    for (const Backend& backend : configuration->backends) {
      members.push_back({backend.number, backend_identity(backend.at), backend.weight});
    }
    members.pop_back();
    const auto target = maglev_build(members, configuration->services.front().ring_bits);
    lap(2);
    const Ring after = ring_transition(*ring, target, {}, 1);
    lap(3);
    const auto lines = ring_lines(after, 900);
    lap(4);
  }
  return Split{median(times[0]), median(times[1]), median(times[2]), median(times[3]),
               median(times[4])};
}

nlohmann::ordered_json json_row(const Figure& figure, const Split& parts) {
  const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
  return {{"case", fmt::format("change-{}", figure.change)},
          {"backends", figure.backends},
          {"slots", figure.slots},
          {"live_ms", rounded(figure.live_ms)},
          {"returns_ms", rounded(figure.returns_ms)},
          {"configuration_ms", rounded(parts.configuration_ms)},
          {"ring_ms", rounded(parts.ring_ms)},
          {"maglev_ms", rounded(parts.maglev_ms)},
          {"transition_ms", rounded(parts.transition_ms)},
          {"lines_ms", rounded(parts.lines_ms)},
          {"moved_slots", figure.moved},
          {"necessary_slots", figure.necessary},
          {"beyond_percent", rounded(figure.beyond_percent)},
          {"trials", kTrials}};
}

constexpr const char* kRow = "{:<8} {:>8} {:>7} {:>9} {:>9} {:>7} {:>9} {:>8}\n";

Result<nlohmann::ordered_json> measure_all() {
  libbpf_log_capture();
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  fmt::print(kRow, "change", "backends", "slots", "live", "returns", "moved", "necessary",
             "beyond");
  for (const uint32_t backends : {10U, 100U, 1000U}) {
    Fleet fleet(backends);
    if (auto made = fleet.make(); !made) return tl::unexpected(made.error());
    auto parts = split(fleet);
    if (!parts) return tl::unexpected(parts.error());
    for (const Kind& kind : kinds(fleet)) {
      auto figure = measure(fleet, kind);
      if (!figure) return tl::unexpected(figure.error());
      fmt::print(kRow, figure->change, figure->backends, figure->slots,
                 fmt::format("{:.2f} ms", figure->live_ms),
                 fmt::format("{:.1f} ms", figure->returns_ms), figure->moved, figure->necessary,
                 fmt::format("{:.1f} %", figure->beyond_percent));
      std::fflush(stdout);
      rows.push_back(json_row(*figure, *parts));
    }
    fmt::print(
        "         of it: configuration {:.2f} ms, ring {:.2f} ms, Maglev {:.2f} ms, "
        "transition {:.2f} ms, lines {:.2f} ms\n",
        parts->configuration_ms, parts->ring_ms, parts->maglev_ms, parts->transition_ms,
        parts->lines_ms);
  }
  return rows;
}

int run(const std::string& json) {
  auto rows = measure_all();
  if (!rows) {
    fmt::print(stderr, "bench change: {}\n", rows.error().text);
    return static_cast<int>(rows.error().kind);
  }
  if (json.empty()) return 0;
  std::ofstream file(json);
  file << rows->dump(2) << '\n';
  file.close();
  if (file) return 0;
  fmt::print(stderr, "bench change: {}: it cannot be written\n", json);
  return 1;
}

}  // namespace
}  // namespace sluice::benchmark

int main(int argc, char** argv) {
  CLI::App app("From command to live, for a change of one backend of many; medians.");
  std::string json;
  std::string device;
  app.add_option("--device", device, "what leads to the backends; only for its routes");
  app.add_option("--json", json, "writes the figures there as well")->type_name("FILE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return sluice::benchmark::run(json);
}
