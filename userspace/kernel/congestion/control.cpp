// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/congestion/control.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "kernel/congestion/choice.h"
#include "kernel/congestion/object.h"
#include "kernel/congestion/registry.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/system_error.h"
#include "sluice/flow.h"

namespace sluice {
namespace {

constexpr auto struct_ops_attach = static_cast<bpf_attach_type>(44);  // BPF_STRUCT_OPS
// Maps that only the congestion control pins in the instance's directory.
constexpr std::array own_maps{"congestion_flows", "congestion_services", "congestion_events",
                              "congestion_watch", "congestion_choices"};

std::string link_pin(const std::string& dir) {
  return dir + "/links/congestion";
}
std::string map_pin(const std::string& dir) {
  return dir + "/congestion_ops";
}

tl::unexpected<Error> not_registered(const std::string& name, int error) {
  if (error == EEXIST || error == -EEXIST)
    return failed(
        "congestion: {} is already the name of another congestion control of this "
        "kernel; choose another name",
        name);
  return failed("congestion: register {}: {}", name, libbpf_reason(error));
}

// Registers with a link. If the process dies before the link is pinned, the kernel unregisters it.
Result<void> register_linked(bpf_map* ops, const std::string& dir, const std::string& name) {
  bpf_link* attached = bpf_map__attach_struct_ops(ops);
  if (!attached) return not_registered(name, errno);
  Fd link;
  if (bpf_link__fd(attached) == bpf_map__fd(ops)) {
    // libbpf before 1.2 has no struct_ops links: it stored the value and returned the map as link.
    bpf_link__disconnect(attached);
    bpf_link__destroy(attached);
    link.reset(bpf_link_create(bpf_map__fd(ops), 0, struct_ops_attach, nullptr));
  } else {
    link.reset(::dup(bpf_link__fd(attached)));
    bpf_link__destroy(attached);
  }
  if (!link.valid()) return not_registered(name, errno);
  if (::mkdir((dir + "/links").c_str(), 0700) != 0 && errno != EEXIST)
    return failed("congestion: make {}/links: {}", dir, error_text(errno));
  if (bpf_obj_pin(link.get(), link_pin(dir).c_str()) != 0)
    return failed("congestion: pin {}: {}", link_pin(dir), libbpf_reason(errno));
  return {};
}

// Registers without a link (kernel < 6.4): until it is unregistered. The map is pinned first, so
// that the next command finds it even if this process is killed.
Result<void> register_unlinked(bpf_map* ops, const std::string& dir, const std::string& name) {
  if (bpf_obj_pin(bpf_map__fd(ops), map_pin(dir).c_str()) != 0)
    return failed("congestion: pin {}: {}", map_pin(dir), libbpf_reason(errno));
  bpf_link* attached = bpf_map__attach_struct_ops(ops);
  if (!attached) {
    const int error = errno;
    ::unlink(map_pin(dir).c_str());
    return not_registered(name, error);
  }
  bpf_link__disconnect(attached);
  bpf_link__destroy(attached);
  return {};
}

// Replaces the struct_ops map of a link.
Result<void> swap_linked(bpf_map* ops, uint32_t link_id, const std::string& name) {
  const Fd link(bpf_link_get_fd_by_id(link_id));
  if (!link.valid()) return failed("congestion: link {}: {}", link_id, libbpf_reason(errno));
  // Stores the operations in the map. libbpf 1.2 and later then tries to create a link, which the
  // kernel refuses because the name is taken; earlier versions return the map as link.
  if (bpf_link* attached = bpf_map__attach_struct_ops(ops)) {
    bpf_link__disconnect(attached);
    bpf_link__destroy(attached);
  } else if (errno != EEXIST) {
    return not_registered(name, errno);
  }
  (void)libbpf_log_take();
  if (bpf_link_update(link.get(), bpf_map__fd(ops), nullptr) != 0)
    return failed("congestion: replace {} behind link {}: {}", name, link_id, libbpf_reason(errno));
  return {};
}

// Id of the struct_ops map that the instance has pinned, itself or by its link; 0: none.
uint32_t pinned_map_id(const std::string& dir) {
  if (dir.empty()) return 0;
  const Fd link(bpf_obj_get(link_pin(dir).c_str()));
  if (link.valid()) return congestion_link_map(link.get()).value_or(0);
  const Fd map(bpf_obj_get(map_pin(dir).c_str()));
  bpf_map_info info{};
  uint32_t length = sizeof(info);
  if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &length) != 0) return 0;
  return info.id;
}

// The instance directory that has this struct_ops map pinned; empty: none.
std::string pinned_in(uint32_t map_id) {
  const auto names = list_directory(kBpffsRoot);
  if (!names) return {};
  for (const std::string& name : *names) {
    std::string dir = std::string(kBpffsRoot) + "/" + name;
    if (pinned_map_id(dir) == map_id) return dir;
  }
  return {};
}

// Registered, but neither pinned nor held by a link: its loader's pins were removed.
bool left_behind(const CongestionEntry& entry) {
  return entry.link_id == 0 && pinned_in(entry.map_id).empty();
}

std::string holder(const CongestionEntry& entry) {
  if (const std::string dir = pinned_in(entry.map_id); !dir.empty()) return "pinned in " + dir;
  return fmt::format("held by link {} of a running process", entry.link_id);
}

Result<void> unregister(const CongestionEntry& entry) {
  const uint32_t key = 0;
  if (bpf_map_delete_elem(entry.map.get(), &key) != 0 && errno != EINPROGRESS)
    return failed("congestion: unregister {}: {}", entry.name, libbpf_reason(errno));
  return {};
}

void remove_pins(const std::string& dir) {
  ::unlink(link_pin(dir).c_str());
  ::unlink(map_pin(dir).c_str());
}

// Existing sockets write these maps, which therefore stay while congestion_flows has an entry.
void remove_maps(const std::string& dir) {
  const Fd flows(bpf_obj_get((dir + "/congestion_flows").c_str()));
  sluice_flow first{};
  if (flows.valid() && bpf_map_get_next_key(flows.get(), nullptr, &first) == 0) return;
  for (const char* name : own_maps) ::unlink((dir + "/" + name).c_str());
}

Result<void> register_new(const CongestionKernel& kernel, bpf_map* ops, const std::string& dir,
                          const std::string& name) {
  return kernel.links ? register_linked(ops, dir, name) : register_unlinked(ops, dir, name);
}

// Replaces the version registered under the same name. Existing sockets keep the old one.
Result<void> replace(const CongestionKernel& kernel, const CongestionEntry& old,
                     const CongestionObject& object, const std::string& dir) {
  bpf_map* ops = congestion_ops(object);
  if (old.link_id != 0) return swap_linked(ops, old.link_id, old.name);
  // Without links (kernel < 6.4) the name is unregistered for a moment.
  TRY(unregister(old));
  remove_pins(dir);
  return register_new(kernel, ops, dir, old.name);
}

template <typename Matches>
CongestionEntry* find_registered(std::vector<CongestionEntry>& entries, Matches matches) {
  auto found = std::find_if(entries.begin(), entries.end(), [&](const CongestionEntry& entry) {
    return entry.registered() && matches(entry);
  });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

Result<std::string> parse_congestion_name(const std::string& text) {
  const bool allowed = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
  });
  if (text.empty() || text.size() > congestion_name_length || !allowed)
    return misused(
        "congestion: '{}' cannot name a congestion control: the kernel takes 1 to {} "
        "letters, digits, '_' and '.'",
        text, congestion_name_length);
  return text;
}

std::string congestion_unsupported() {
  libbpf_log_capture();
  auto kernel = congestion_kernel();
  return kernel ? std::string() : kernel.error().text;
}

Result<CongestionLoad> congestion_would_load(const std::string& instance_dir,
                                             const std::string& name) {
  libbpf_log_capture();
  TRY(parse_congestion_name(name));
  auto kernel = TRY(congestion_kernel());
  auto entries = TRY(congestion_entries(kernel));
  const uint32_t pinned = pinned_map_id(instance_dir);
  const auto* own = find_registered(
      entries, [&](const CongestionEntry& entry) { return entry.map_id == pinned; });
  if (own == nullptr) return CongestionLoad::loaded;
  auto object = TRY(load_congestion_object(instance_dir, name, kernel, CongestionUse::only_verify));
  return same_programs(own->program_ids, program_ids(object)) ? CongestionLoad::nothing
                                                              : CongestionLoad::replaced;
}

Result<CongestionLoad> congestion_load(const std::string& instance_dir, const std::string& name) {
  libbpf_log_capture();
  TRY(parse_congestion_name(name));
  auto kernel = TRY(congestion_kernel());
  auto entries = TRY(congestion_entries(kernel));

  const uint32_t pinned = pinned_map_id(instance_dir);
  if (const auto* own = find_registered(
          entries, [&](const CongestionEntry& entry) { return entry.map_id == pinned; })) {
    if (own->name != name)
      return failed("congestion: this instance has it loaded as {}; unload that first", own->name);
    auto object = TRY(load_congestion_object(instance_dir, name, kernel, CongestionUse::registers));
    if (same_programs(own->program_ids, program_ids(object))) return CongestionLoad::nothing;
    TRY(replace(kernel, *own, object, instance_dir));
    TRY(renew_choices(instance_dir, name));
    return CongestionLoad::replaced;
  }
  if (const auto* other = find_registered(
          entries, [&](const CongestionEntry& entry) { return entry.name == name; })) {
    if (!left_behind(*other))
      return failed(
          "congestion: {} is registered already, by struct_ops map {}, {}; choose another name or "
          "unload that one first",
          name, other->map_id, holder(*other));
    TRY(unregister(*other));
  }
  remove_pins(instance_dir);  // stale: nothing registered belongs to them

  auto object = TRY(load_congestion_object(instance_dir, name, kernel, CongestionUse::registers));
  TRY(register_new(kernel, congestion_ops(object), instance_dir, name));
  return CongestionLoad::loaded;
}

Result<bool> congestion_unload(const std::string& instance_dir, const std::string& name) {
  libbpf_log_capture();
  auto kernel = TRY(congestion_kernel());
  auto entries = TRY(congestion_entries(kernel));

  const uint32_t pinned = pinned_map_id(instance_dir);
  auto* own = find_registered(entries,
                              [&](const CongestionEntry& entry) { return entry.map_id == pinned; });
  if (own && own->name != name)
    return failed("congestion: this instance has it loaded as {}, not as {}", own->name, name);
  if (!own) {
    auto* other =
        find_registered(entries, [&](const CongestionEntry& entry) { return entry.name == name; });
    if (other && !left_behind(*other))
      return failed("congestion: {} is another instance's, {}; unload it there", name,
                    holder(*other));
    own = other;
  }
  if (!own) {
    remove_pins(instance_dir);
    remove_maps(instance_dir);
    return false;
  }

  if (own->link_id) {
    Fd link(bpf_link_get_fd_by_id(own->link_id));
    if (link.valid())
      bpf_link_detach(link.get());  // unregisters at once if supported, else with the last pin
    link.reset();
    remove_pins(instance_dir);
    if (!congestion_link_gone(own->link_id))
      return failed("congestion: {} stays registered: something else still holds link {}", name,
                    own->link_id);
    remove_maps(instance_dir);
    return true;
  }
  TRY(unregister(*own));
  remove_pins(instance_dir);
  remove_maps(instance_dir);
  return true;
}

Result<std::vector<CongestionControl>> congestion_list(const std::string& instance_dir) {
  libbpf_log_capture();
  auto kernel = TRY(congestion_kernel());
  auto entries = TRY(congestion_entries(kernel));
  const uint32_t pinned = pinned_map_id(instance_dir);
  std::vector<CongestionControl> controls;
  for (const CongestionEntry& entry : entries)
    if (entry.registered())
      controls.push_back({entry.name, entry.map_id, entry.link_id != 0, entry.map_id == pinned});
  std::sort(controls.begin(), controls.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return controls;
}

}  // namespace sluice
