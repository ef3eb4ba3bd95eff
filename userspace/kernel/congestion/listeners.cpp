// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/congestion/listeners.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "kernel/system/fd.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"
#include "listeners.skel.h"
#include "sluice/choice.h"

namespace sluice {
namespace {

struct DestroySkeleton {
  void operator()(listeners_bpf* skeleton) const { listeners_bpf__destroy(skeleton); }
};

// Reads all records of the iterator.
Result<std::vector<ChangedListener>> read_all(const Fd& iterator) {
  std::vector<ChangedListener> changed;
  std::array<sluice_listener, 64> records{};
  for (;;) {
    const ssize_t size = read(iterator.get(), records.data(), sizeof(records));
    if (size < 0 && errno == EAGAIN) continue;
    if (size < 0) return failed("listeners: read the iterator: {}", error_text(errno));
    if (size == 0) return changed;
    for (size_t i = 0; i < static_cast<size_t>(size) / sizeof(sluice_listener); i++) {
      const sluice_listener& record = records[i];
      changed.push_back(
          {.at = {.address = Address(record.address), .port = static_cast<uint16_t>(record.port)},
           .before = {record.before, strnlen(record.before, sizeof(record.before))}});
    }
  }
}

}  // namespace

Result<std::vector<ChangedListener>> set_listeners(const HostPort& endpoint,
                                                   const std::string& name,
                                                   const std::string& only) {
  libbpf_log_capture();
  const std::unique_ptr<listeners_bpf, DestroySkeleton> skeleton(listeners_bpf__open());
  if (!skeleton) return failed("listeners: open the BPF object: {}", libbpf_log_take());
  memcpy(const_cast<sluice_address*>(
             reinterpret_cast<const volatile sluice_address*>(&skeleton->rodata->address)),
         &endpoint.address.raw(), sizeof(sluice_address));
  skeleton->rodata->port = endpoint.port;
  only.copy(const_cast<char*>(skeleton->rodata->only), SLUICE_CONGESTION_NAME_LENGTH - 1);
  name.copy(skeleton->bss->wanted, SLUICE_CONGESTION_NAME_LENGTH - 1);
  if (const int error = listeners_bpf__load(skeleton.get()))
    return failed("listeners: load into the kernel: {} ({})", error_text(-error),
                  libbpf_log_take());
  bpf_link* link = bpf_program__attach_iter(skeleton->progs.listeners, nullptr);
  if (link == nullptr) return failed("listeners: {} ({})", error_text(errno), libbpf_log_take());
  const Fd iterator(bpf_iter_create(bpf_link__fd(link)));
  const int error = errno;
  auto changed = iterator.valid() ? read_all(iterator)
                                  : failed("listeners: create the iterator: {}", error_text(error));
  bpf_link__destroy(link);
  return changed;
}

}  // namespace sluice
