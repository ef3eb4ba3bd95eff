// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/congestion/watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kernel/system/bpffs.h"
#include "kernel/system/clock.h"
#include "kernel/system/map.h"
#include "kernel/system/system_error.h"
#include "sluice/limits.h"
#include "sluice/time.h"

namespace sluice {

// The only entry of map `congestion_watch`, memory-mapped. BPF programs and this process write it
// concurrently.
class CongestionWatch::Shared {
 public:
  static Result<Shared> open(const std::string& instance_dir) {
    auto opened = TRY(open_map(instance_dir, "congestion_watch", sizeof(uint32_t),
                               sizeof(sluice_congestion_watch)));
    void* memory =
        mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, opened.fd.get(), 0);
    if (memory == MAP_FAILED) return failed("map congestion_watch: {}", error_text(errno));
    return Shared(static_cast<sluice_congestion_watch*>(memory));
  }
  Shared(Shared&& other) noexcept : watch_(std::exchange(other.watch_, nullptr)) {}
  Shared& operator=(Shared&&) = delete;
  ~Shared() {
    if (watch_ != nullptr) munmap(watch_, page_bytes());
  }

  [[nodiscard]] uint64_t until_ns() const {
    return __atomic_load_n(&watch_->until_ns, __ATOMIC_ACQUIRE);
  }
  [[nodiscard]] uint64_t dropped() const {
    return __atomic_load_n(&watch_->dropped, __ATOMIC_RELAXED);
  }
  [[nodiscard]] uint32_t reader() const { return watch_->reader; }
  void read_until(uint64_t until_ns) {
    watch_->reader = static_cast<uint32_t>(getpid());
    __atomic_store_n(&watch_->until_ns, until_ns, __ATOMIC_RELEASE);
  }

 private:
  explicit Shared(sluice_congestion_watch* watch) : watch_(watch) {}
  static size_t page_bytes() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
  sluice_congestion_watch* watch_;
};

struct CongestionWatch::State {
  explicit State(Shared shared) : watch(std::move(shared)), dropped_before(watch.dropped()) {}
  ~State() {
    if (events == nullptr) return;
    watch.read_until(0);
    ring_buffer__free(events);
  }

  Shared watch;
  uint64_t dropped_before;
  ring_buffer* events = nullptr;
  Take take;
};

CongestionWatch::CongestionWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
CongestionWatch::CongestionWatch(CongestionWatch&&) noexcept = default;
CongestionWatch::~CongestionWatch() = default;

Result<CongestionWatch> CongestionWatch::open(const std::string& instance_dir) {
  if (!is_pinned(instance_dir, "congestion_watch"))
    return failed(
        "congestion watch: the congestion control of this instance is not loaded; load it: sluice "
        "congestion load");
  auto watch = TRY(Shared::open(instance_dir));
  if (watch.until_ns() > monotonic_ns())
    return failed(
        "congestion watch: process {} watches already; there is one reader at a time (one that "
        "was killed counts for up to {} s)",
        watch.reader(), SLUICE_CONGESTION_WATCH_NS / SLUICE_NS_PER_SEC);
  auto state = std::make_unique<State>(std::move(watch));
  const std::string path = instance_dir + "/congestion_events";
  const Fd events(bpf_obj_get(path.c_str()));
  if (!events.valid()) return failed("{}: {}", path, error_text(errno));
  const auto taken = [](void* context, void* data, size_t size) {
    auto& self = *static_cast<State*>(context);
    if (size == sizeof(sluice_congestion_event) && self.take)
      self.take(*static_cast<const sluice_congestion_event*>(data));
    return 0;
  };
  state->events = ring_buffer__new(events.get(), taken, state.get(), nullptr);
  if (state->events == nullptr) return failed("{}: {}", path, error_text(errno));
  // Events left over from an earlier reader are discarded.
  (void)ring_buffer__consume(state->events);
  state->watch.read_until(monotonic_ns() + SLUICE_CONGESTION_WATCH_NS);
  return CongestionWatch(std::move(state));
}

Result<void> CongestionWatch::wait(std::chrono::milliseconds most, const Take& take) {
  state_->watch.read_until(monotonic_ns() + SLUICE_CONGESTION_WATCH_NS);
  state_->take = take;
  const int error = ring_buffer__poll(state_->events, static_cast<int>(most.count()));
  if (error < 0 && error != -EINTR) return failed("congestion watch: {}", error_text(-error));
  return {};
}

uint64_t CongestionWatch::dropped() const {
  return state_->watch.dropped() - state_->dropped_before;
}

}  // namespace sluice
