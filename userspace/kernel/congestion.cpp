#include "kernel/congestion.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "congestion.skel.h"
#include "kernel/bpffs.h"
#include "kernel/congestion_registry.h"
#include "kernel/libbpf_log.h"
#include "kernel/system_error.h"

namespace sluice {
namespace {

constexpr uint32_t struct_ops_link_flag = 1U << 13;                   // BPF_F_LINK
constexpr auto struct_ops_attach = static_cast<bpf_attach_type>(44);  // BPF_STRUCT_OPS
// As congestion.bpf.c spells it; 16 bytes with the NUL, like the name that takes its place.
constexpr std::string_view unnamed = "sluice@unnamed@";
static_assert(unnamed.size() == congestion_name_length);

std::string link_pin(const std::string& dir) {
  return dir + "/links/congestion";
}
std::string map_pin(const std::string& dir) {
  return dir + "/congestion_ops";
}

std::string reason(int error) {
  std::string text = error_text(error < 0 ? -error : error);
  if (std::string said = libbpf_log_take(); !said.empty()) text += " (" + said + ")";
  return text;
}

struct DestroySkeleton {
  void operator()(congestion_bpf* skeleton) const { congestion_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<congestion_bpf, DestroySkeleton>;

// libbpf 1.1 gives no access to the initial value of a struct_ops map, so the name is written into
// a copy of the object file before it is opened.
Result<std::string> named_object(const std::string& name) {
  size_t size = 0;
  const auto* bytes = static_cast<const char*>(congestion_bpf__elf_bytes(&size));
  std::string object(bytes, size);
  const size_t at = object.find(unnamed);
  if (at == std::string::npos || object.find(unnamed, at + 1) != std::string::npos)
    return failed("congestion: the BPF object does not hold its name exactly once");
  std::string padded = name;
  padded.resize(unnamed.size(), '\0');
  object.replace(at, padded.size(), padded);
  return object;
}

// What `object` holds must live until the skeleton is loaded.
Result<Skeleton> open_skeleton(const std::string& object, const std::string& instance_dir) {
  Skeleton skeleton(static_cast<congestion_bpf*>(std::calloc(1, sizeof(congestion_bpf))));
  if (!skeleton || congestion_bpf__create_skeleton(skeleton.get()) != 0)
    return failed("congestion: out of memory");
  skeleton->skeleton->data = const_cast<char*>(object.data());  // libbpf only reads it
  skeleton->skeleton->data_sz = object.size();
  LIBBPF_OPTS(bpf_object_open_opts, options, .pin_root_path = instance_dir.c_str());
  if (const int error = bpf_object__open_skeleton(skeleton->skeleton, &options))
    return failed("congestion: open the BPF object: {}", reason(error));
  return skeleton;
}

// Maps that the instance has are taken as they are, with the capacity that it gave them.
Result<void> adopt_maps(bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const char* path = bpf_map__pin_path(map);
    if (!path) continue;
    const Fd pinned(bpf_obj_get(path));
    if (!pinned.valid()) {
      if (errno == ENOENT) continue;
      return failed("congestion: open map {}: {}", path, reason(errno));
    }
    bpf_map_info info{};
    uint32_t length = sizeof(info);
    if (bpf_obj_get_info_by_fd(pinned.get(), &info, &length) != 0)
      return failed("congestion: look at map {}: {}", path, reason(errno));
    if (info.key_size != bpf_map__key_size(map) || info.value_size != bpf_map__value_size(map))
      return failed(
          "congestion: map {} has keys of {} and values of {} bytes where {} and {} are "
          "needed; it is another version's instance",
          path, info.key_size, info.value_size, bpf_map__key_size(map), bpf_map__value_size(map));
    if (const int error = bpf_map__reuse_fd(map, pinned.get()))
      return failed("congestion: adopt map {}: {}", path, reason(error));
  }
  return {};
}

tl::unexpected<Error> not_registered(const std::string& name, int error) {
  if (error == EEXIST || error == -EEXIST)
    return failed(
        "congestion: {} is already the name of another congestion control of this "
        "kernel; choose another name",
        name);
  return failed("congestion: register {}: {}", name, reason(error));
}

// Registers with a link, which takes the registration with it if we die before it is pinned.
Result<void> register_linked(congestion_bpf& skeleton, const std::string& dir,
                             const std::string& name) {
  bpf_map* ops = skeleton.maps.sluice_ops;
  bpf_link* attached = bpf_map__attach_struct_ops(ops);
  if (!attached) return not_registered(name, errno);
  Fd link;
  if (bpf_link__fd(attached) == bpf_map__fd(ops)) {
    // libbpf before 1.2 knows no struct_ops links: it has stored the value, and stops there.
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
    return failed("congestion: pin {}: {}", link_pin(dir), reason(errno));
  return {};
}

// Registers for good. The map is pinned first, so that whoever comes after us finds it.
Result<void> register_unlinked(congestion_bpf& skeleton, const std::string& dir,
                               const std::string& name) {
  bpf_map* ops = skeleton.maps.sluice_ops;
  if (bpf_obj_pin(bpf_map__fd(ops), map_pin(dir).c_str()) != 0)
    return failed("congestion: pin {}: {}", map_pin(dir), reason(errno));
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

// The map that the instance's pins lead to, or 0.
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

// The directory in bpffs whose pins lead to this map; empty: none.
std::string pinned_in(uint32_t map_id) {
  const auto names = list_directory(kBpffsRoot);
  if (!names) return {};
  for (const std::string& name : *names) {
    std::string dir = std::string(kBpffsRoot) + "/" + name;
    if (pinned_map_id(dir) == map_id) return dir;
  }
  return {};
}

// What nobody pinned and no link holds was left behind by a loader whose pins are gone.
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
    return failed("congestion: unregister {}: {}", entry.name, reason(errno));
  return {};
}

void remove_pins(const std::string& dir) {
  ::unlink(link_pin(dir).c_str());
  ::unlink(map_pin(dir).c_str());
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

Result<bool> congestion_load(const std::string& instance_dir, const std::string& name) {
  libbpf_log_capture();
  if (auto parsed = parse_congestion_name(name); !parsed) return tl::unexpected(parsed.error());
  auto kernel = congestion_kernel();
  if (!kernel) return tl::unexpected(kernel.error());
  auto entries = congestion_entries(*kernel);
  if (!entries) return tl::unexpected(entries.error());

  const uint32_t pinned = pinned_map_id(instance_dir);
  if (const auto* own = find_registered(
          *entries, [&](const CongestionEntry& entry) { return entry.map_id == pinned; })) {
    if (own->name == name) return false;
    return failed("congestion: this instance has it loaded as {}; unload that first", own->name);
  }
  if (const auto* other = find_registered(
          *entries, [&](const CongestionEntry& entry) { return entry.name == name; })) {
    if (!left_behind(*other))
      return failed(
          "congestion: {} is registered already, by struct_ops map {}, {}; choose another name or "
          "unload that one first",
          name, other->map_id, holder(*other));
    if (auto gone = unregister(*other); !gone) return tl::unexpected(gone.error());
  }
  remove_pins(instance_dir);  // they lead to nothing that is registered

  auto object = named_object(name);
  if (!object) return tl::unexpected(object.error());
  auto skeleton = open_skeleton(*object, instance_dir);
  if (!skeleton) return tl::unexpected(skeleton.error());
  (*skeleton)->rodata->cong_control_arguments = kernel->cong_control_arguments;
  if (kernel->links) bpf_map__set_map_flags((*skeleton)->maps.sluice_ops, struct_ops_link_flag);
  if (auto adopted = adopt_maps((*skeleton)->obj); !adopted) return tl::unexpected(adopted.error());
  if (const int error = congestion_bpf__load(skeleton->get()))
    return failed("congestion: load into the kernel: {}", reason(error));

  auto done = kernel->links ? register_linked(**skeleton, instance_dir, name)
                            : register_unlinked(**skeleton, instance_dir, name);
  if (!done) return tl::unexpected(done.error());
  return true;
}

Result<bool> congestion_unload(const std::string& instance_dir, const std::string& name) {
  libbpf_log_capture();
  auto kernel = congestion_kernel();
  if (!kernel) return tl::unexpected(kernel.error());
  auto entries = congestion_entries(*kernel);
  if (!entries) return tl::unexpected(entries.error());

  const uint32_t pinned = pinned_map_id(instance_dir);
  auto* own = find_registered(*entries,
                              [&](const CongestionEntry& entry) { return entry.map_id == pinned; });
  if (own && own->name != name)
    return failed("congestion: this instance has it loaded as {}, not as {}", own->name, name);
  if (!own) {
    auto* other =
        find_registered(*entries, [&](const CongestionEntry& entry) { return entry.name == name; });
    if (other && !left_behind(*other))
      return failed("congestion: {} is another instance's, {}; unload it there", name,
                    holder(*other));
    own = other;
  }
  if (!own) {
    remove_pins(instance_dir);
    return false;
  }

  if (own->link_id) {
    Fd link(bpf_link_get_fd_by_id(own->link_id));
    if (link.valid())
      bpf_link_detach(link.get());  // at once where the kernel can, else with the last pin
    link.reset();
    remove_pins(instance_dir);
    if (!congestion_link_gone(own->link_id))
      return failed("congestion: {} stays registered: something else still holds link {}", name,
                    own->link_id);
    return true;
  }
  if (auto gone = unregister(*own); !gone) return tl::unexpected(gone.error());
  remove_pins(instance_dir);
  return true;
}

Result<std::vector<CongestionControl>> congestion_list(const std::string& instance_dir) {
  libbpf_log_capture();
  auto kernel = congestion_kernel();
  if (!kernel) return tl::unexpected(kernel.error());
  auto entries = congestion_entries(*kernel);
  if (!entries) return tl::unexpected(entries.error());
  const uint32_t pinned = pinned_map_id(instance_dir);
  std::vector<CongestionControl> controls;
  for (const CongestionEntry& entry : *entries)
    if (entry.registered())
      controls.push_back({entry.name, entry.map_id, entry.link_id != 0, entry.map_id == pinned});
  std::sort(controls.begin(), controls.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return controls;
}

}  // namespace sluice
