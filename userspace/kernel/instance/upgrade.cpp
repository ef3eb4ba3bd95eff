// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/instance/upgrade.h"

#include <bpf/bpf.h>

#include "control/recover.h"
#include "kernel/congestion/control.h"
#include "kernel/device/chain.h"
#include "kernel/device/hook.h"
#include "kernel/device/sockets.h"
#include "kernel/state/instance_directory.h"
#include "kernel/state/kernel_dataplane.h"
#include "kernel/state/objects.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/routes.h"
#include "sluice/instance.h"

namespace sluice {
namespace {

std::string attach_point_text(const AttachPoint& point) {
  return fmt::format("{} on {}, {}", point.program, point.device, hook_kind_text(point.kind));
}

// A link can be updated from every network namespace. clsact and libxdp's dispatcher need their
// own.
bool is_out_of_reach(const AttachPoint& point) {
  return (point.kind == HookKind::clsact || point.kind == HookKind::chained) &&
         point.namespace_id != network_namespace_id();
}

Result<std::vector<AttachPoint>> reachable_attach_points(const InstanceDirectory& instance) {
  auto points = TRY(attach_points(instance.links()));
  std::erase_if(points, [&](const AttachPoint& point) {
    return is_out_of_reach(point) || hook_is_gone(point, instance.links());
  });
  return points;
}

Result<Fd> program_in(const std::string& programs, const std::string& name) {
  Fd fd(bpf_obj_get((programs + "/" + name).c_str()));
  if (!fd.valid()) return failed("{}/{}: {}", programs, name, error_text(errno));
  return fd;
}

// Replaces the program of every attach point by the one in `programs`; reports those that differed.
// Attach points of kind `chained` need chain_renew().
Result<std::vector<std::string>> swap_everywhere(const InstanceDirectory& instance,
                                                 const std::string& programs) {
  std::vector<std::string> swapped;
  const auto points = TRY(reachable_attach_points(instance));
  for (const AttachPoint& point : points) {
    if (point.kind == HookKind::chained) continue;
    const Fd program = TRY(program_in(programs, point.program));
    if (TRY(hook_swap(point, instance.links(), program.get())))
      swapped.push_back(attach_point_text(point));
  }
  const Fd sockets = TRY(program_in(programs, "sockets"));
  TRY(swap_sockets(instance.directory(), sockets.get()));
  return swapped;
}

// Waits until no packet is in the programs that were just replaced.
Result<void> wait_for_packets_of(const std::string& directory) {
  auto tables = TRY(Map<uint32_t, uint32_t>::open(directory, "service_tables"));
  return wait_for_packets(tables);
}

// The name of the instance's congestion control; empty: none is loaded.
Result<std::string> congestion_of(const std::string& directory) {
  if (!congestion_unsupported().empty()) return std::string();
  const auto controls = TRY(congestion_list(directory));
  for (const auto& control : controls)
    if (control.pinned) return control.name;
  return std::string();
}

class Upgrade {
 public:
  Upgrade(const std::string& name, UpgradeReport& report)
      : instance_(InstanceDirectory::of(name)), report_(report) {}

  // A dry run takes no lock.
  Result<void> lock() {
    lock_ = TRY(lock_directory(instance_.directory()));
    if (!lock_.valid()) return no_such_instance();
    return finish_upgrade(instance_);
  }

  Result<void> look() {
    if (!directory_exists(instance_.directory())) return no_such_instance();
    root_ = TRY(instance_root(instance_.directory()));
    limits_ = TRY(instance_.limits());
    report_.from = TRY(loaded_release(instance_.directory()));
    report_.to = own_release();
    congestion_ = TRY(congestion_of(instance_.directory()));
    return {};
  }

  Result<void> show() {
    if (!is_current()) {
      TRY(load_beside(instance_.directory(), std::nullopt, limits_, root_));
      const auto points = TRY(reachable_attach_points(instance_));
      for (const AttachPoint& point : points) report_.swapped.push_back(attach_point_text(point));
    }
    TRY(look_at_congestion());
    if (replaces_congestion_) report_.swapped.push_back(congestion_text());
    return complete_report();
  }

  Result<void> perform() {
    // First, because the kernel may refuse it; nothing has changed yet.
    TRY(look_at_congestion());
    if (!is_current()) TRY(replace_programs());
    TRY(renew_chained());
    if (replaces_congestion_) {
      TRY(congestion_load(instance_.directory(), congestion_));
      report_.swapped.push_back(congestion_text());
    }
    return complete_report();
  }

 private:
  [[nodiscard]] bool is_current() const { return report_.from == report_.to; }
  [[nodiscard]] std::string congestion_text() const { return "congestion control " + congestion_; }
  [[nodiscard]] Result<void> no_such_instance() const {
    return failed("instance {}: there is none (sluice instance list shows those there are)",
                  instance_.name());
  }

  Result<void> look_at_congestion() {
    if (congestion_.empty()) return {};
    replaces_congestion_ =
        TRY(congestion_would_load(instance_.directory(), congestion_)) == CongestionLoad::replaced;
    return {};
  }

  Result<void> replace_programs() {
    auto done = load_next_and_exchange();
    // After the exchange this removes the old programs, before it the new ones.
    if (auto finished = finish_upgrade(instance_); !finished && done) return finished;
    if (!done) remove_adopted_maps();
    return done;
  }

  Result<void> load_next_and_exchange() {
    const std::string next = instance_.next_programs();
    TRY(load_beside(instance_.directory(), next, limits_, root_));
    TRY(adopt_new_maps());
    report_.swapped = TRY(swap_everywhere(instance_, next));
    return exchange_directories(instance_.programs(), next);
  }

  // Moves the maps that the old version did not have into the instance, and derives again all that
  // packets read, so that it is as this version writes it.
  Result<void> adopt_new_maps() {
    const std::string from = instance_.next_programs() + "/maps";
    const auto names = TRY(list_directory(from));
    for (const std::string& name : names) {
      TRY(rename_path(from + "/" + name, instance_.directory() + "/" + name));
      adopted_.push_back(name);
    }
    TRY(remove_tree(from));
    const auto plane = TRY(KernelDataplane::open(instance_.directory()));
    TRY(recover(*plane));
    TRY(plane->configuration.set_pending(SLUICE_PENDING_ALL));
    TRY(recover(*plane));
    return {};
  }

  void remove_adopted_maps() {
    for (const std::string& name : adopted_) (void)remove_pin(instance_.directory() + "/" + name);
  }

  Result<void> renew_chained() {
    const auto points = TRY(reachable_attach_points(instance_));
    for (const AttachPoint& point : points)
      if (point.kind == HookKind::chained && TRY(chain_renew(instance_, point)))
        report_.swapped.push_back(attach_point_text(point));
    return {};
  }

  Result<void> complete_report() {
    report_.changed = !is_current() || !report_.swapped.empty();
    if (replaces_congestion_)
      report_.notes.push_back(fmt::format(
          "congestion control {}: sockets that have the old version keep it until they close",
          congestion_));
    const auto points = TRY(attach_points(instance_.links()));
    for (const AttachPoint& point : points) {
      if (!is_out_of_reach(point)) continue;
      report_.notes.push_back(fmt::format(
          "{}: out of reach from this network namespace, and unchanged (run the upgrade again in "
          "network namespace {})",
          attach_point_text(point), point.namespace_id));
    }
    return {};
  }

  InstanceDirectory instance_;
  UpgradeReport& report_;
  Fd lock_;
  sluice_instance root_{};
  InstanceLimits limits_;
  std::string congestion_;
  bool replaces_congestion_ = false;
  std::vector<std::string> adopted_;
};

}  // namespace

Result<UpgradeReport> upgrade(const std::string& name, Apply apply) {
  TRY(require_bpffs());
  libbpf_log_capture();
  UpgradeReport report;
  Upgrade upgrade(name, report);
  if (apply == Apply::perform) TRY(upgrade.lock());
  TRY(upgrade.look());
  TRY(apply == Apply::perform ? upgrade.perform() : upgrade.show());
  return report;
}

Result<void> finish_upgrade(const InstanceDirectory& instance) {
  if (!directory_exists(instance.next_programs())) return {};
  TRY(swap_everywhere(instance, instance.programs()));
  TRY(wait_for_packets_of(instance.directory()));
  return remove_tree(instance.next_programs());
}

}  // namespace sluice
