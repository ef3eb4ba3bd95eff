#include "benchmark/pace/server.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>

#include "kernel/bpffs.h"
#include "kernel/objects.h"
#include "kernel/system_error.h"
#include "sluice/limits.h"

namespace sluice::benchmark {
namespace {

constexpr uint32_t kService = 1;

}  // namespace

Result<std::unique_ptr<Server>> Server::make(bool v6, uint32_t flows) {
  std::unique_ptr<Server> server(new Server);
  server->directory_ = instance_directory(fmt::format("+benchmark-{}", getpid()));
  const auto address = Address::parse(v6 ? "2001:db8:5::1" : "198.51.100.1");
  if (!address) return tl::unexpected(address.error());
  server->endpoint_ = {*address, kPacedPort, L4Proto::tcp};
  if (auto done = server->load(flows); !done) return tl::unexpected(done.error());
  if (auto done = server->dataplane_->set_endpoint(server->endpoint_, kService); !done)
    return tl::unexpected(done.error());
  return server;
}

Server::~Server() {
  // What cannot be swept goes with the mount namespace that the benchmark runs in.
  (void)remove_tree(directory_);
}

Result<void> Server::load(uint32_t flows) {
  // A quarter more than the flows: an LRU table begins to evict a little before it is full.
  const InstanceLimits limits{.services = SLUICE_SERVICES_DEFAULT,
                              .backends = SLUICE_BACKENDS_DEFAULT,
                              .flows = std::max<uint32_t>(SLUICE_FLOWS_DEFAULT, flows + flows / 4)};
  sluice_instance root{};
  root.schema = SLUICE_SCHEMA_VERSION;
  root.handover_mac = 0x060504030202;
  if (auto made = make_directory(directory_); !made) return made;
  if (auto loaded = load_objects(directory_, limits, root); !loaded) return loaded;
  auto instance = Map<uint32_t, sluice_instance>::open(directory_, "instance");
  if (!instance) return tl::unexpected(instance.error());
  if (auto put = instance->put(0, root); !put) return put;
  auto plane = KernelDataplane::open(directory_);
  if (!plane) return tl::unexpected(plane.error());
  dataplane_ = std::move(*plane);
  program_.reset(bpf_obj_get((directory_ + "/programs/pace_egress_edt").c_str()));
  if (!program_.valid()) return failed("program pace_egress_edt: {}", error_text(errno));
  return {};
}

Result<void> Server::set_policy(const Policy& policy) {
  return dataplane_->put_policy(kService, policy);
}

Result<uint64_t> Server::count(Whose whose, sluice_verdict verdict) {
  auto verdicts = dataplane_->verdicts(whose == Whose::service ? kService : 0);
  if (!verdicts) return tl::unexpected(verdicts.error());
  for (const auto& one : *verdicts) {
    if (one.verdict == verdict) return one.packets;
  }
  return 0;
}

}  // namespace sluice::benchmark
