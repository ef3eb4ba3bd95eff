// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/attach.h"

#include <net/if.h>

#include <algorithm>
#include <array>

#include "kernel/device/chain.h"
#include "kernel/device/hook.h"
#include "kernel/device/qdisc.h"
#include "kernel/device/segments.h"
#include "kernel/device/sockets.h"
#include "kernel/system/bpffs.h"
#include "kernel/system/fd.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/map.h"
#include "kernel/system/routes.h"

namespace sluice {
namespace {

bool is_probe(const std::string& program) {
  return program == "probe_ingress" || program == "probe_egress";
}

// These only accompany another program, or `sluice run`.
bool is_companion(const std::string& program) {
  return program == "punt" || program == "pace_ingress" || is_probe(program);
}

Component component_of(const std::string& program) {
  if (program == "decap") return Component::decap;
  const bool steers = program == "steer" || program == "punt" || is_probe(program);
  return steers ? Component::steer : Component::pace;
}

std::string links_of(const std::string& directory) {
  return directory + "/links";
}

Result<std::vector<HookPlace>> places(const std::string& directory) {
  return hook_places(links_of(directory));
}

bool is_on(const HookPlace& place, Component part, const std::string& device) {
  return component_of(place.program) == part && place.device == device &&
         place.namespace_id == network_namespace_id();
}

// Where `steer` may send packets by the way of XDP (map `devices`): where it is attached itself.
Result<void> note_device(const std::string& directory, const std::string& device, bool attached) {
  auto devices = TRY(Map<uint32_t, uint32_t>::open(directory, "devices"));
  // One that is gone has no index any more, and the kernel has taken it out of the map itself.
  const uint32_t ifindex = if_nametoindex(device.c_str());
  if (ifindex == 0) return {};
  return attached ? devices.put(ifindex, ifindex) : devices.erase(ifindex);
}

// Devices are known by their index, which another network namespace gives to another device:
// packets would leave there.
Result<void> check_namespace(const std::string& directory, const std::vector<HookPlace>& existing) {
  for (const auto& place : existing) {
    if (place.program != "steer" || place.namespace_id == network_namespace_id()) continue;
    if (hook_is_gone(place, links_of(directory))) continue;
    return failed(
        "steer is on device {} of another network namespace, and can only be in one (use another "
        "instance here, or: sluice detach steer {} there)",
        place.device, place.device);
  }
  return {};
}

class Attacher {
 public:
  Attacher(Instance& instance, std::string device, uint32_t ifindex, AttachReport& report)
      : instance_(instance),
        links_(links_of(instance.directory())),
        device_(std::move(device)),
        ifindex_(ifindex),
        report_(report) {}

  Result<void> put(const std::string& program, Hook hook) {
    auto fd = TRY(instance_.program_fd(program));
    const Fd owned(fd);
    auto place = TRY(hook_attach(owned.get(), hook, links_, program, device_, ifindex_));
    report_.attachment.mode = hook_kind_text(place.kind);
    return {};
  }

  Result<void> put_xdp(const std::string& program, const AttachSettings& settings) {
    if (settings.mode == XdpMode::generic) return put_xdp_in(program, settings.chain, true);
    auto native = put_xdp_in(program, settings.chain, false);
    if (native || settings.mode == XdpMode::native) return native;
    const Error why = native.error();
    TRY(put_xdp_in(program, settings.chain, true));
    report_.notes.push_back(
        fmt::format("{}; attached in generic mode, which is slower by several times", why.text));
    return {};
  }

 private:
  Result<void> put_xdp_in(const std::string& program, bool chain, bool generic) {
    if (!chain) return put(program, generic ? Hook::xdp_generic : Hook::xdp_native);
    auto place = TRY(chain_attach(instance_, program, device_, ifindex_, generic));
    report_.attachment.mode = hook_kind_text(place.kind);
    return {};
  }

  Instance& instance_;
  std::string links_;
  std::string device_;
  uint32_t ifindex_;
  AttachReport& report_;
};

void note_forwarding(const std::string& device, AttachReport& report) {
  const auto note = [&](const char* family) {
    report.notes.push_back(fmt::format(
        "device {}: {} forwarding is off, and without it the kernel's routing table does not "
        "answer (sysctl -w net.{}.conf.{}.forwarding=1)",
        device, family, family, device));
  };
  if (!forwards_v4(device)) note("ipv4");
  if (!forwards_v6(device)) note("ipv6");
}

// The program whose presence says that the part is attached; it is attached last.
Result<std::string> main_program(Component part, uint32_t ifindex) {
  switch (part) {
    case Component::steer:
      return "steer";
    case Component::decap:
      return "decap";
    case Component::pace:
      break;
  }
  auto root = TRY(root_qdisc(ifindex));
  return root.fq ? "pace_egress_edt" : "pace_egress";
}

// How rates are kept on a device without fq.
Result<void> note_without_fq(Instance& instance, const std::string& device, uint32_t ifindex,
                             AttachReport& report) {
  auto root = TRY(root_qdisc(ifindex));
  report.notes.push_back(fmt::format(
      "device {}: its root qdisc is {}, and only fq honours departure times; flow rates are kept "
      "by local TCP sockets themselves, and by dropping what else goes beyond them (sluice policy "
      "show says which; sluice attach pace {} --fq)",
      device, root.kind, device));
  if (auto attached = attach_sockets(instance); !attached)
    report.notes.push_back(
        fmt::format("sockets cannot be told to pace themselves, so all are policed: {}",
                    attached.error().text));
  return {};
}

Result<void> attach_programs(Attacher& attacher, const std::string& directory,
                             const std::string& program, const std::string& device,
                             const AttachSettings& settings, AttachReport& report) {
  if (program == "decap") return attacher.put_xdp(program, settings);
  if (program == "steer") {
    TRY(attacher.put("punt", Hook::tc_ingress));
    TRY(attacher.put_xdp(program, settings));
    TRY(note_device(directory, device, true));
    note_forwarding(device, report);
    return {};
  }
  TRY(attacher.put("pace_ingress", Hook::tc_ingress));
  return attacher.put(program, Hook::tc_egress);
}

// The kind that was asked for, where one was; another one has to be detached first.
bool has_settings(const HookPlace& place, const AttachSettings& settings) {
  if (settings.chain || place.kind == HookKind::chained)
    return settings.chain == (place.kind == HookKind::chained);
  if (settings.mode == XdpMode::automatic) return true;
  return place.kind == (settings.mode == XdpMode::generic ? HookKind::generic : HookKind::native);
}

Result<bool> detach_programs(Instance& instance, Component part, const std::string& device) {
  auto existing = TRY(places(instance.directory()));
  bool any = false;
  for (const auto& place : existing) {
    if (!is_on(place, part, device)) continue;
    any = true;
    // Before the program goes: from then on it is no way out.
    if (part == Component::steer) {
      TRY(note_device(instance.directory(), device, false));
    }
    TRY(hook_detach(place, links_of(instance.directory())));
  }
  return any;
}

// Without a device that needs it, the program at the sockets goes too.
Result<void> release_sockets(const std::string& directory) {
  auto left = TRY(places(directory));
  const bool needed = std::any_of(left.begin(), left.end(), [](const HookPlace& place) {
    return place.program == "pace_egress";
  });
  return needed ? Result<void>{} : detach_sockets(directory);
}

bool is_attached(const std::string& directory, Component part, const std::string& device) {
  const auto existing = places(directory);
  return existing && std::any_of(existing->begin(), existing->end(), [&](const HookPlace& place) {
           return is_on(place, part, device);
         });
}

Result<AttachReport> attach_component(Instance& instance, Component part, const std::string& device,
                                      uint32_t ifindex, const AttachSettings& settings) {
  auto existing = TRY(places(instance.directory()));

  AttachReport report;
  report.attachment = {part, device, "", true, false, network_namespace_id()};
  auto program = TRY(main_program(part, ifindex));
  if (part == Component::steer) {
    TRY(check_namespace(instance.directory(), existing));
  }

  for (const auto& place : existing) {
    if (!is_on(place, part, device)) continue;
    if (place.program == program && !hook_is_gone(place, links_of(instance.directory()))) {
      if (part != Component::pace && !has_settings(place, settings))
        return failed("device {}: {} is attached in {} mode (detach it first: sluice detach {} {})",
                      device, component_text(part), hook_kind_text(place.kind),
                      component_text(part), device);
      report.already = true;
      report.attachment.mode = hook_kind_text(place.kind);
      return report;
    }
  }
  // What is left of an attachment that was cut off, whose device was removed and made again, or
  // whose device has another qdisc now.
  TRY(detach_programs(instance, part, device));

  libbpf_log_capture();
  Attacher attacher(instance, device, ifindex, report);
  auto attached =
      attach_programs(attacher, instance.directory(), program, device, settings, report);
  if (!attached) {
    // Nothing half done; the error that matters is the first one.
    if (detach_programs(instance, part, device)) (void)release_sockets(instance.directory());
    return tl::unexpected(attached.error());
  }
  if (program == "pace_egress_edt") {
    TRY(release_sockets(instance.directory()));
  }
  if (program == "pace_egress") {
    TRY(note_without_fq(instance, device, ifindex, report));
  }
  return report;
}

}  // namespace

Result<AttachReport> attach(Instance& instance, Component part, const std::string& device,
                            const AttachSettings& settings) {
  const auto ifindex = TRY(device_index(device));
  if (part != Component::pace) return attach_component(instance, part, device, ifindex, settings);

  const std::string& directory = instance.directory();
  const auto before = TRY(egress_of(directory, device));
  auto fit = TRY(fit_egress(directory, device, settings, Apply::perform));
  auto report = attach_component(instance, part, device, ifindex, settings);
  if (!report) {
    // Of what it was before, or of nothing, where pace went on the way; the error that matters is
    // the first one.
    if (is_attached(directory, part, device))
      (void)restore_egress(directory, device, before);
    else
      (void)release_egress(directory, device, Apply::perform);
    return report;
  }
  report->changes = std::move(fit.changes);
  report->notes.insert(report->notes.begin(), fit.notes.begin(), fit.notes.end());
  return report;
}

Result<DetachReport> detach(Instance& instance, Component part, const std::string& device) {
  auto detached = TRY(detach_programs(instance, part, device));
  if (part != Component::pace) return DetachReport{detached, {}};
  TRY(release_sockets(instance.directory()));
  auto egress = TRY(release_egress(instance.directory(), device, Apply::perform));
  return DetachReport{detached, std::move(egress)};
}

Result<bool> attach_probe(Instance& instance, const std::string& device) {
  auto ifindex = TRY(device_index(device));
  auto existing = TRY(places(instance.directory()));
  const std::string links = links_of(instance.directory());
  bool egress = false;
  bool ingress = false;
  for (const auto& place : existing) {
    if (!is_probe(place.program) || !is_on(place, Component::steer, device)) continue;
    if (hook_is_gone(place, links)) {
      TRY(hook_detach(place, links));
      continue;
    }
    (place.program == "probe_egress" ? egress : ingress) = true;
  }
  if (egress && ingress) return false;
  libbpf_log_capture();
  AttachReport report;
  Attacher attacher(instance, device, ifindex, report);
  if (!ingress) {
    TRY(attacher.put("probe_ingress", Hook::tc_ingress));
  }
  if (!egress) {
    TRY(attacher.put("probe_egress", Hook::tc_egress));
  }
  return true;
}

Result<std::vector<Attachment>> attachments(Instance& instance) {
  auto existing = TRY(places(instance.directory()));
  std::vector<Attachment> all;
  for (const auto& place : existing) {
    if (is_companion(place.program)) continue;
    const Component part = component_of(place.program);
    all.push_back({part, place.device, std::string(hook_kind_text(place.kind)),
                   place.namespace_id == network_namespace_id(),
                   hook_is_gone(place, links_of(instance.directory())), place.namespace_id,
                   place.program == "pace_egress_edt"});
    Attachment& attachment = all.back();
    // A link stays with a device that has another name now.
    if (part != Component::pace || !attachment.here || if_nametoindex(place.device.c_str()) == 0)
      continue;
    auto egress = TRY(egress_of(instance.directory(), place.device));
    attachment.egress = egress;
  }
  return all;
}

Result<void> detach_everything(const std::string& directory) {
  auto existing = TRY(places(directory));
  for (const auto& place : existing) {
    TRY(hook_detach(place, links_of(directory)));
    if (component_of(place.program) != Component::pace ||
        place.namespace_id != network_namespace_id())
      continue;
    if (const uint32_t ifindex = if_nametoindex(place.device.c_str()); ifindex != 0) {
      TRY(remove_fq(place.device, ifindex));
    }
  }
  TRY(restore_segment_limits(directory));
  return detach_sockets(directory);
}

}  // namespace sluice
