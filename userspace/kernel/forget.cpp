#include "kernel/forget.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "forget.skel.h"
#include "kernel/libbpf_log.h"
#include "kernel/system_error.h"

namespace sluice {
namespace {

using Skeleton = std::unique_ptr<forget_bpf, void (*)(forget_bpf*)>;

// One of the instance's, which is pinned already.
int use(bpf_map* map, int fd) {
  if (const int error = bpf_map__reuse_fd(map, fd); error != 0) return error;
  return bpf_map__set_pin_path(map, nullptr);
}

Result<Skeleton> load(const ForgettableTables& tables) {
  libbpf_log_capture();
  Skeleton skeleton(forget_bpf__open(), forget_bpf__destroy);
  if (!skeleton) return failed("forget: open the BPF object: {}", libbpf_log_take());
  int error = use(skeleton->maps.half_open, tables.half_open);
  if (error == 0) error = use(skeleton->maps.flows, tables.flows);
  if (error == 0) error = use(skeleton->maps.translations, tables.translations);
  if (error == 0) error = forget_bpf__load(skeleton.get());
  if (error != 0)
    return failed("forget: load into the kernel: {} ({})", error_text(-error), libbpf_log_take());
  return skeleton;
}

}  // namespace

Result<void> forget_entries(const ForgettableTables& tables, sluice_forgotten_table table,
                            const std::vector<sluice_forgotten>& entries) {
  if (entries.empty()) return {};
  auto skeleton = load(tables);
  if (!skeleton) return tl::unexpected(skeleton.error());
  auto& shared = *(*skeleton)->bss;
  shared.table = table;
  for (size_t done = 0; done < entries.size();) {
    const size_t count = std::min<size_t>(entries.size() - done, SLUICE_FORGOTTEN_AT_ONCE);
    memcpy(shared.forgotten, &entries[done], count * sizeof(sluice_forgotten));
    shared.count = static_cast<uint32_t>(count);
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (bpf_prog_test_run_opts(bpf_program__fd((*skeleton)->progs.forget), &options) != 0)
      return failed("forget: run in the kernel: {}", error_text(errno));
    done += count;
  }
  return {};
}

}  // namespace sluice
