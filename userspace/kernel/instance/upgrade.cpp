// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/instance/upgrade.h"

#include <bpf/bpf.h>

#include "control/recover.h"
#include "kernel/congestion/control.h"
#include "kernel/device/chain.h"
#include "kernel/device/hook.h"
#include "kernel/device/sockets.h"
#include "kernel/instance/objects.h"
#include "kernel/state/dataplane.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/routes.h"
#include "sluice/instance.h"

namespace sluice {
namespace {

std::string links_of(const std::string& directory) {
  return directory + "/links";
}
std::string programs_of(const std::string& directory) {
  return directory + "/programs";
}
std::string next_of(const std::string& directory) {
  return directory + "/next";
}

std::string place_text(const HookPlace& place) {
  return fmt::format("{} on {}, {}", place.program, place.device, hook_kind_text(place.kind));
}

// Only links are everywhere; clsact and libxdp's dispatcher are in their own network namespace.
bool is_out_of_reach(const HookPlace& place) {
  return (place.kind == HookKind::clsact || place.kind == HookKind::chained) &&
         place.namespace_id != network_namespace_id();
}

Result<std::vector<HookPlace>> places_in_reach(const std::string& directory) {
  auto places = TRY(hook_places(links_of(directory)));
  std::erase_if(places, [&](const HookPlace& place) {
    return is_out_of_reach(place) || hook_is_gone(place, links_of(directory));
  });
  return places;
}

Result<Fd> program_in(const std::string& programs, const std::string& name) {
  Fd fd(bpf_obj_get((programs + "/" + name).c_str()));
  if (!fd.valid()) return failed("{}/{}: {}", programs, name, error_text(errno));
  return fd;
}

// Every link gets its program from there, unless it has it. What is chained comes later.
Result<std::vector<std::string>> put_everywhere(const std::string& directory,
                                                const std::string& programs) {
  std::vector<std::string> swapped;
  auto places = TRY(places_in_reach(directory));
  for (const HookPlace& place : places) {
    if (place.kind == HookKind::chained) continue;
    auto program = TRY(program_in(programs, place.program));
    auto done = TRY(hook_swap(place, links_of(directory), program.get()));
    if (done) swapped.push_back(place_text(place));
  }
  auto sockets = TRY(program_in(programs, "sockets"));
  TRY(swap_sockets(directory, sockets.get()));
  return swapped;
}

// No packet is in programs any more that nothing leads to.
Result<void> wait_for_packets_of(const std::string& directory) {
  auto tables = TRY(Map<uint32_t, uint32_t>::open(directory, "service_tables"));
  return wait_for_packets(tables);
}

// The capacities that it was made with.
Result<InstanceLimits> limits_of(const std::string& directory) {
  InstanceLimits limits;
  const auto take = [&](const char* name, uint32_t& limit) -> Result<void> {
    const Fd map(bpf_obj_get((directory + "/" + name).c_str()));
    bpf_map_info info{};
    uint32_t info_bytes = sizeof(info);
    if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &info_bytes) != 0)
      return failed("{}/{}: {}", directory, name, error_text(errno));
    limit = info.max_entries;
    return {};
  };
  auto taken = take("service_configs", limits.services);
  if (taken) taken = take("backend_configs", limits.backends);
  if (taken) taken = take("flows", limits.flows);
  if (!taken) return tl::unexpected(taken.error());
  return limits;
}

// Its name; empty: none is loaded.
Result<std::string> congestion_of(const std::string& directory) {
  if (!congestion_unsupported().empty()) return std::string();
  auto controls = TRY(congestion_list(directory));
  for (const auto& control : controls)
    if (control.pinned) return control.name;
  return std::string();
}

// An instance that somebody else's command cannot change meanwhile, or, to show, as it is.
class Upgrade {
 public:
  Upgrade(std::string name, UpgradeReport& report)
      : name_(std::move(name)), directory_(instance_directory(name_)), report_(report) {}

  Result<void> lock() {
    auto lock = TRY(lock_directory(directory_));
    if (!lock.valid()) return there_is_none();
    lock_ = std::move(lock);
    return finish_upgrade(directory_);
  }

  Result<void> look() {
    if (!directory_exists(directory_)) return there_is_none();
    auto root = TRY(instance_root(directory_));
    root_ = root;
    auto limits = TRY(limits_of(directory_));
    limits_ = limits;
    auto from = TRY(loaded_release(directory_));
    report_.from = from;
    report_.to = own_release();
    auto congestion = TRY(congestion_of(directory_));
    congestion_ = congestion;
    return {};
  }

  Result<void> show() {
    if (!is_current()) {
      TRY(load_beside(directory_, std::nullopt, limits_, root_));
      auto places = TRY(places_in_reach(directory_));
      for (const HookPlace& place : places) report_.swapped.push_back(place_text(place));
    }
    TRY(look_at_congestion());
    if (replaces_congestion_) report_.swapped.push_back(congestion_text());
    return conclude();
  }

  Result<void> perform() {
    // Before anything changes: what the kernel refuses of it, it refuses here.
    TRY(look_at_congestion());
    if (!is_current()) {
      TRY(replace_programs());
    }
    TRY(renew_chained());
    if (replaces_congestion_) {
      TRY(congestion_load(directory_, congestion_));
      report_.swapped.push_back(congestion_text());
    }
    return conclude();
  }

 private:
  [[nodiscard]] bool is_current() const { return report_.from == report_.to; }
  [[nodiscard]] std::string congestion_text() const { return "congestion control " + congestion_; }
  [[nodiscard]] Result<void> there_is_none() const {
    return failed("instance {}: there is none (sluice instance list shows those there are)", name_);
  }

  Result<void> look_at_congestion() {
    if (congestion_.empty()) return {};
    auto would = TRY(congestion_would_load(directory_, congestion_));
    replaces_congestion_ = would == CongestionLoad::replaced;
    return {};
  }

  Result<void> replace_programs() {
    const std::string next = next_of(directory_);
    auto done = load_beside(directory_, next, limits_, root_);
    if (done) done = take_maps();
    if (done) {
      auto swapped = put_everywhere(directory_, next);
      if (swapped) report_.swapped = std::move(*swapped);
      done = swapped ? exchange_directories(programs_of(directory_), next)
                     : tl::unexpected(swapped.error());
    }
    // Behind the exchange this removes the older ones, before it the newer.
    if (auto finished = finish_upgrade(directory_); !finished && done) return finished;
    if (!done) remove_taken();
    return done;
  }

  // Maps that the older version did not have take their place, and all that packets read is written
  // as this version writes it.
  Result<void> take_maps() {
    const std::string from = next_of(directory_) + "/maps";
    auto names = TRY(list_directory(from));
    for (const std::string& name : names) {
      TRY(rename_path(from + "/" + name, directory_ + "/" + name));
      taken_.push_back(name);
    }
    TRY(remove_tree(from));
    auto plane = TRY(KernelDataplane::open(directory_));
    TRY(recover(*plane));
    TRY(plane->set_pending(SLUICE_PENDING_ALL));
    TRY(recover(*plane));
    return {};
  }

  void remove_taken() {
    for (const std::string& name : taken_) (void)remove_pin(directory_ + "/" + name);
  }

  Result<void> renew_chained() {
    auto places = TRY(places_in_reach(directory_));
    std::erase_if(places, [](const auto& place) { return place.kind != HookKind::chained; });
    if (places.empty()) return {};
    auto instance = TRY(Instance::open(name_));
    for (const HookPlace& place : places) {
      auto renewed = TRY(chain_renew(instance, place, links_of(directory_)));
      if (renewed) report_.swapped.push_back(place_text(place));
    }
    return {};
  }

  Result<void> conclude() {
    report_.changed = !is_current() || !report_.swapped.empty();
    if (replaces_congestion_)
      report_.notes.push_back(
          fmt::format("congestion control {}: sockets that have the older one keep it to their end",
                      congestion_));
    auto places = TRY(hook_places(links_of(directory_)));
    for (const HookPlace& place : places) {
      if (!is_out_of_reach(place)) continue;
      report_.notes.push_back(fmt::format(
          "{}: cannot be reached from this network namespace, and is what it was (run it "
          "again in network namespace {})",
          place_text(place), place.namespace_id));
    }
    return {};
  }

  std::string name_;
  std::string directory_;
  UpgradeReport& report_;
  Fd lock_;
  sluice_instance root_{};
  InstanceLimits limits_;
  std::string congestion_;
  bool replaces_congestion_ = false;
  std::vector<std::string> taken_;
};

}  // namespace

Result<UpgradeReport> upgrade(const std::string& name, Apply apply) {
  TRY(require_bpffs());
  libbpf_log_capture();
  UpgradeReport report;
  Upgrade upgrade(name, report);
  Result<void> done;
  if (apply == Apply::perform) done = upgrade.lock();
  if (done) done = upgrade.look();
  if (done) done = apply == Apply::perform ? upgrade.perform() : upgrade.show();
  if (!done) return tl::unexpected(done.error());
  return report;
}

Result<void> finish_upgrade(const std::string& directory) {
  if (!directory_exists(next_of(directory))) return {};
  TRY(put_everywhere(directory, programs_of(directory)));
  TRY(wait_for_packets_of(directory));
  // Of a version that had it there.
  TRY(remove_pin(directory + "/ways"));
  return remove_tree(next_of(directory));
}

}  // namespace sluice
