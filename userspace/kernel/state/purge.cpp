// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/state/purge.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"
#include "purge.skel.h"

namespace sluice {
namespace {

using Skeleton = std::unique_ptr<purge_bpf, void (*)(purge_bpf*)>;

// Uses a map of the instance, which is pinned already.
int use(bpf_map* map, int fd) {
  if (const int error = bpf_map__reuse_fd(map, fd); error != 0) return error;
  return bpf_map__set_pin_path(map, nullptr);
}

Result<Skeleton> load(const PurgeTables& tables) {
  libbpf_log_capture();
  Skeleton skeleton(purge_bpf__open(), purge_bpf__destroy);
  if (!skeleton) return failed("purge: open the BPF object: {}", libbpf_log_take());
  int error = use(skeleton->maps.half_open, tables.half_open);
  if (error == 0) error = use(skeleton->maps.flows, tables.flows);
  if (error == 0) error = use(skeleton->maps.translations, tables.translations);
  if (error == 0) error = purge_bpf__load(skeleton.get());
  if (error != 0)
    return failed("purge: load into the kernel: {} ({})", error_text(-error), libbpf_log_take());
  return skeleton;
}

}  // namespace

Result<void> purge_entries(const PurgeTables& tables, sluice_purge_table table,
                           const std::vector<sluice_purge_entry>& entries) {
  if (entries.empty()) return {};
  auto skeleton = TRY(load(tables));
  auto& shared = *skeleton->bss;
  shared.table = table;
  for (size_t done = 0; done < entries.size();) {
    const size_t count = std::min<size_t>(entries.size() - done, SLUICE_PURGE_BATCH);
    memcpy(shared.purged, &entries[done], count * sizeof(sluice_purge_entry));
    shared.count = static_cast<uint32_t>(count);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.purge), &options) != 0)
      return failed("purge: run in the kernel: {}", error_text(errno));
    done += count;
  }
  return {};
}

}  // namespace sluice
