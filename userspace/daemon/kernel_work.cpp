// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/kernel_work.h"

#include <exception>

#include "kernel/system/bpffs.h"
#include "sluice/time.h"

namespace sluice {

namespace {

// steer stops measuring this long after the daemon's last request, for example when it was killed.
constexpr uint32_t kMeasuredForS = 10;

uint32_t monotonic_s() {
  return static_cast<uint32_t>(uv_hrtime() / SLUICE_NS_PER_SEC);
}

// open_locked() alone would create an instance that does not exist.
Result<Instance> open_to_change(const std::string& name) {
  TRY(Instance::open(name));
  return Instance::open_locked(name);
}

}  // namespace

Result<KernelState> read_kernel_state(const std::string& name) {
  auto instance = TRY(Instance::open(name));
  auto services = TRY(instance.dataplane().configuration.services());
  auto backends = TRY(instance.dataplane().configuration.backends());
  return KernelState{std::move(services), std::move(backends)};
}

template <typename Value>
void KernelWork::add(std::function<Result<Value>()> work, Done<Value> done) {
  auto result = std::make_shared<Result<Value>>(failed("not done yet"));
  worker_.add(
      [result, work = std::move(work)] {
        try {
          *result = work();
        } catch (const std::exception& exception) {  // such as std::bad_alloc
          *result = failed("stopped by {}", exception.what());
        }
      },
      [result, done = std::move(done)] { done(std::move(*result)); });
}

void KernelWork::read_state(std::vector<Backend> probed_backends, Done<KernelState> done) {
  add<KernelState>(
      [this, probed_backends = std::move(probed_backends)]() -> Result<KernelState> {
        auto state = read_kernel_state(instance_);
        if (!state || probed_backends.empty()) return state;
        state->probed = TRY(paths_.prepare(instance_, probed_backends, monotonic_s()));
        return state;
      },
      std::move(done));
}

void KernelWork::observe(std::vector<Observation> observations, Done<Sentences> done) {
  add<Sentences>(
      [name = instance_, observations = std::move(observations)]() -> Result<Sentences> {
        auto instance = TRY(open_to_change(name));
        return backends_observe(instance.dataplane(), observations);
      },
      std::move(done));
}

void KernelWork::settle(Done<std::vector<Settling>> done) {
  add<std::vector<Settling>>(
      [name = instance_]() -> Result<std::vector<Settling>> {
        auto instance = TRY(open_to_change(name));
        return settle_services(instance.dataplane(), std::nullopt, Apply::perform);
      },
      std::move(done));
}

void KernelWork::measure(std::vector<uint32_t> services, std::vector<uint32_t> backends,
                         Done<std::map<uint32_t, Latency>> done) {
  add<std::map<uint32_t, Latency>>(
      [directory = instance_directory(instance_), services = std::move(services),
       backends = std::move(backends)]() -> Result<std::map<uint32_t, Latency>> {
        TRY(ask_latencies(directory, services, monotonic_s() + kMeasuredForS));
        return read_latencies(directory, backends);
      },
      std::move(done));
}

void KernelWork::apply(Desired desired, Done<Sentences> done) {
  add<Sentences>([apply = apply_, name = instance_,
                  desired = std::move(desired)] { return apply(name, desired); },
                 std::move(done));
}

}  // namespace sluice
