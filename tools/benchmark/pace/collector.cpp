// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "benchmark/pace/collector.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/mman.h>

#include "arrivals.skel.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"
#include "linkem/netns.h"

namespace sluice::benchmark {

Result<Collector> Collector::attach(const std::string& netns, const std::string& device,
                                    uint16_t port, bool drop) {
  Collector collector;
  libbpf_log_take();
  collector.skeleton_.reset(arrivals_bpf__open(), arrivals_bpf__destroy);
  if (!collector.skeleton_) return failed("arrivals: opening it: {}", libbpf_log_take());
  collector.skeleton_->rodata->arrivals_port = htons(port);
  collector.skeleton_->rodata->arrivals_drop = drop;
  if (arrivals_bpf__load(collector.skeleton_.get()) != 0)
    return failed("arrivals: loading it: {}", libbpf_log_take());

  const auto visit = TRY(linkem::NamespaceVisit::enter(netns));
  const unsigned ifindex = if_nametoindex(device.c_str());
  if (ifindex == 0) return failed("device {} in {}: {}", device, netns, error_text(errno));
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(ifindex),
              .attach_point = BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, filter,
              .prog_fd = bpf_program__fd(collector.skeleton_->progs.arrivals_log), .handle = 1,
              .priority = 1);
  filter.flags = BPF_TC_F_REPLACE;
  const int made = bpf_tc_hook_create(&hook);
  if (made != 0 && made != -EEXIST)
    return failed("{}: making a clsact qdisc: {}", device, error_text(-made));
  if (const int error = bpf_tc_attach(&hook, &filter); error != 0)
    return failed("{}: attaching at tc ingress: {}", device, error_text(-error));
  return collector;
}

uint64_t Collector::seen() const {
  return skeleton_->bss->arrivals_seen;
}

Result<std::vector<arrival>> Collector::log() const {
  const uint64_t count = seen();
  if (count > ARRIVALS_MAX)
    return failed("{} packets arrived and the log holds {}: measure for a shorter time", count,
                  ARRIVALS_MAX);
  const size_t bytes = ARRIVALS_MAX * sizeof(arrival);
  void* at = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, bpf_map__fd(skeleton_->maps.arrivals), 0);
  if (at == MAP_FAILED) return failed("map arrivals: mapping it: {}", error_text(errno));
  const auto* first = static_cast<const arrival*>(at);
  std::vector<arrival> log(first, first + count);
  munmap(at, bytes);
  return log;
}

}  // namespace sluice::benchmark
