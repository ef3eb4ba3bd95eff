// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/attach.h"

#include "kernel/device/chain.h"
#include "kernel/device/component_programs.h"
#include "kernel/device/egress.h"
#include "kernel/device/hook.h"
#include "kernel/device/qdisc.h"
#include "kernel/device/sockets.h"
#include "kernel/system/libbpf_log.h"
#include "kernel/system/routes.h"

namespace sluice {
namespace {

// Map `devices` is keyed by ifindex, which names another device in another network namespace.
// Packets would be redirected to the wrong device.
Result<void> check_namespace(const InstanceDirectory& instance,
                             const std::vector<AttachPoint>& existing) {
  for (const auto& point : existing) {
    if (point.program != "steer" || point.namespace_id == network_namespace_id()) continue;
    if (hook_is_gone(point, instance.links())) continue;
    return failed(
        "steer is on device {} of another network namespace, and can only be in one (use another "
        "instance here, or: sluice detach steer {} there)",
        point.device, point.device);
  }
  return {};
}

// Attaches programs to one device and completes the report.
class Attacher {
 public:
  Attacher(const InstanceDirectory& instance, std::string device, uint32_t ifindex,
           AttachReport& report)
      : instance_(instance), device_(std::move(device)), ifindex_(ifindex), report_(report) {}

  Result<void> put(const std::string& program, Hook hook) {
    const Fd fd = TRY(instance_.program(program));
    const auto point =
        TRY(hook_attach(fd.get(), hook, instance_.links(), program, device_, ifindex_));
    report_.attachment.mode = hook_kind_text(point.kind);
    return {};
  }

  Result<void> put_xdp(const std::string& program, const AttachSettings& settings) {
    if (settings.mode == XdpMode::generic) return put_xdp_in(program, settings.chain, true);
    auto native = put_xdp_in(program, settings.chain, false);
    if (native || settings.mode == XdpMode::native) return native;
    TRY(put_xdp_in(program, settings.chain, true));
    report_.notes.push_back(fmt::format(
        "{}; attached in generic mode, which is slower by several times", native.error().text));
    return {};
  }

  Result<void> put_all(const std::string& main, const AttachSettings& settings) {
    if (main == "decap") return put_xdp(main, settings);
    if (main == "steer") {
      TRY(put("punt", Hook::tc_ingress));
      TRY(put_xdp(main, settings));
      TRY(put_redirect_device(instance_, device_));
      note_forwarding();
      return {};
    }
    TRY(put("pace_ingress", Hook::tc_ingress));
    return put(main, Hook::tc_egress);
  }

 private:
  Result<void> put_xdp_in(const std::string& program, bool chain, bool generic) {
    if (!chain) return put(program, generic ? Hook::xdp_generic : Hook::xdp_native);
    const auto point = TRY(chain_attach(instance_, program, device_, ifindex_, generic));
    report_.attachment.mode = hook_kind_text(point.kind);
    return {};
  }

  void note_forwarding() {
    const auto note = [&](const char* family) {
      report_.notes.push_back(fmt::format(
          "device {}: {} forwarding is off, and without it the kernel's routing table does not "
          "answer (sysctl -w net.{}.conf.{}.forwarding=1)",
          device_, family, family, device_));
    };
    if (!forwards_v4(device_)) note("ipv4");
    if (!forwards_v6(device_)) note("ipv6");
  }

  const InstanceDirectory& instance_;
  std::string device_;
  uint32_t ifindex_;
  AttachReport& report_;
};

// How rates are enforced on a device without fq.
Result<void> note_without_fq(const InstanceDirectory& instance, const std::string& device,
                             uint32_t ifindex, AttachReport& report) {
  const RootQdisc root = TRY(root_qdisc(ifindex));
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

// Whether it is attached in the mode asked for, if one was. Another mode needs a detach first.
bool has_settings(const AttachPoint& point, const AttachSettings& settings) {
  if (settings.chain || point.kind == HookKind::chained)
    return settings.chain == (point.kind == HookKind::chained);
  if (settings.mode == XdpMode::automatic) return true;
  return point.kind == (settings.mode == XdpMode::generic ? HookKind::generic : HookKind::native);
}

// Completes the report if the component is attached already. False: it is not.
Result<bool> find_attached(const InstanceDirectory& instance,
                           const std::vector<AttachPoint>& existing, const std::string& main,
                           const AttachSettings& settings, AttachReport& report) {
  const Component component = report.attachment.component;
  const std::string& device = report.attachment.device;
  for (const auto& point : existing) {
    if (!is_on(point, component, device) || point.program != main) continue;
    if (hook_is_gone(point, instance.links())) continue;
    if (component != Component::pace && !has_settings(point, settings))
      return failed("device {}: {} is attached in {} mode (detach it first: sluice detach {} {})",
                    device, component_text(component), hook_kind_text(point.kind),
                    component_text(component), device);
    report.already = true;
    report.attachment.mode = hook_kind_text(point.kind);
    return true;
  }
  return false;
}

Result<AttachReport> attach_component(const InstanceDirectory& instance, Component component,
                                      const std::string& device, uint32_t ifindex,
                                      const AttachSettings& settings) {
  const auto existing = TRY(attach_points(instance.links()));
  AttachReport report;
  report.attachment = {component, device, "", true, false, network_namespace_id()};
  const std::string main = TRY(main_program(component, ifindex));
  if (component == Component::steer) TRY(check_namespace(instance, existing));
  if (TRY(find_attached(instance, existing, main, settings, report))) return report;
  // Removes the rest of an interrupted attachment, or the attachment of a device that was created
  // anew or has another qdisc now.
  TRY(detach_programs(instance, component, device));

  libbpf_log_capture();
  if (auto attached = Attacher(instance, device, ifindex, report).put_all(main, settings);
      !attached) {
    // Roll back. Only the first error is reported.
    if (detach_programs(instance, component, device)) (void)release_sockets(instance);
    return tl::unexpected(attached.error());
  }
  if (main == "pace_egress_edt") TRY(release_sockets(instance));
  if (main == "pace_egress") TRY(note_without_fq(instance, device, ifindex, report));
  return report;
}

}  // namespace

Result<AttachReport> attach(const InstanceDirectory& instance, Component component,
                            const std::string& device, const AttachSettings& settings) {
  const auto ifindex = TRY(device_index(device));
  if (component != Component::pace)
    return attach_component(instance, component, device, ifindex, settings);

  const std::string& directory = instance.directory();
  const auto before = TRY(egress_of(directory, device));
  auto fitted = TRY(fit_egress(directory, device, settings, Apply::perform));
  auto report = attach_component(instance, component, device, ifindex, settings);
  if (!report) {
    // Restore the settings from before, or release all of them if pace was lost on the way. Only
    // the first error is reported.
    if (is_attached(instance, component, device))
      (void)restore_egress(directory, device, before);
    else
      (void)release_egress(directory, device, Apply::perform);
    return report;
  }
  report->changes = std::move(fitted.changes);
  report->notes.insert(report->notes.begin(), fitted.notes.begin(), fitted.notes.end());
  return report;
}

Result<bool> attach_probe(const InstanceDirectory& instance, const std::string& device) {
  const auto ifindex = TRY(device_index(device));
  bool egress = false;
  bool ingress = false;
  const auto points = TRY(attach_points(instance.links()));
  for (const AttachPoint& point : points) {
    if (!is_probe(point.program) || !is_on(point, Component::steer, device)) continue;
    if (hook_is_gone(point, instance.links())) {
      TRY(hook_detach(point, instance.links()));
      continue;
    }
    (point.program == "probe_egress" ? egress : ingress) = true;
  }
  if (egress && ingress) return false;
  libbpf_log_capture();
  AttachReport report;
  Attacher attacher(instance, device, ifindex, report);
  if (!ingress) TRY(attacher.put("probe_ingress", Hook::tc_ingress));
  if (!egress) TRY(attacher.put("probe_egress", Hook::tc_egress));
  return true;
}

}  // namespace sluice
