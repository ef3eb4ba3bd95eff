// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "control/apply_configuration.h"

#include <algorithm>

#include "control/apply.h"
#include "control/running.h"

namespace sluice {
namespace {

void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

std::string sentence(Component component, const char* verb, const std::string& device) {
  return fmt::format("{}: {} {}", component_text(component), verb, device);
}

std::string loaded_sentence(const std::string& name, bool loads) {
  return fmt::format("congestion control {}: {}", name, loads ? "loaded" : "unloaded");
}

// Changes of devices and congestion control: `attach` and `load` come before the commit of the
// services, `detach` and `unload` after it.
struct DevicePlan {
  struct Wanted {
    DesiredAttachment attachment;
    std::vector<std::string> changes;  // of the device itself, as in a dry run
    std::optional<Attachment> there;   // attached already: only the device changes
  };
  std::vector<Wanted> attach;
  std::vector<Attachment> detach;
  std::string load;    // name of a congestion control; empty: none
  std::string unload;  // name of a congestion control; empty: none

  [[nodiscard]] std::vector<std::string> sentences_before() const {
    std::vector<std::string> sentences;
    for (const auto& [wanted, changes, there] : attach) {
      append(sentences, changes);
      if (!there) sentences.push_back(sentence(wanted.component, "attached to", wanted.device));
    }
    if (!load.empty()) sentences.push_back(loaded_sentence(load, true));
    return sentences;
  }
  [[nodiscard]] std::vector<std::string> sentences_after() const {
    std::vector<std::string> sentences;
    for (const auto& each : detach)
      sentences.push_back(sentence(each.component, "detached from", each.device));
    if (!unload.empty()) sentences.push_back(loaded_sentence(unload, false));
    return sentences;
  }
};

// The default is the instance's name; the kernel allows no '-' in it.
std::string congestion_name(const DesiredCongestion& desired, const std::string& instance) {
  std::string name = desired.name.empty() ? instance : desired.name;
  if (desired.name.empty()) std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Another kind of XDP attachment would need a moment without any, in which the kernel would answer
// packets for services.
Result<void> check_kind(const DesiredAttachment& desired, const Attachment& there) {
  const bool chained = there.mode == "chained";
  const bool fits =
      desired.component == Component::pace ||
      (desired.settings.chain || chained ? desired.settings.chain == chained
                                         : desired.settings.mode == XdpMode::automatic ||
                                               there.mode == xdp_mode_text(desired.settings.mode));
  if (fits) return {};
  return failed(
      "line {}: device {}: {} is attached in {} mode (detach it first: sluice detach {} {})",
      desired.mark.line, desired.device, component_text(desired.component), there.mode,
      component_text(desired.component), desired.device);
}

Result<void> plan_attachments(DevicePort& devices, const std::vector<DesiredAttachment>& desired,
                              const std::vector<Attachment>& running, DevicePlan& plan) {
  const auto same = [](const DesiredAttachment& wanted, const Attachment& there) {
    return there.here && wanted.component == there.component && wanted.device == there.device;
  };
  for (const DesiredAttachment& wanted : desired) {
    if (!devices.exists(wanted.device))
      return failed(
          "line {}: device {}: there is none of that name here; ip link shows those "
          "there are",
          wanted.mark.line, wanted.device);
    const auto there = std::find_if(
        running.begin(), running.end(),
        [&](const Attachment& attachment) { return same(wanted, attachment) && !attachment.gone; });
    const auto fit = devices.show_egress(wanted.device, wanted.settings);
    if (!fit) return failed("line {}: {}", wanted.mark.line, fit.error().text);
    if (there == running.end()) {
      plan.attach.push_back({wanted, fit->changes, {}});
      continue;
    }
    TRY(check_kind(wanted, *there));
    if (!fit->changes.empty()) plan.attach.push_back({wanted, fit->changes, *there});
  }
  for (const Attachment& there : running) {
    const bool wanted = std::any_of(desired.begin(), desired.end(),
                                    [&](const auto& each) { return same(each, there); });
    if (there.here && !wanted) plan.detach.push_back(there);
  }
  return {};
}

Result<void> plan_congestion(const DesiredCongestion& desired, const std::string& instance,
                             const std::string& loaded, DevicePlan& plan) {
  if (!desired.loaded) {
    plan.unload = loaded;
    return {};
  }
  const std::string name = congestion_name(desired, instance);
  if (loaded.empty()) plan.load = name;
  if (!loaded.empty() && loaded != name)
    return failed(
        "line {}: the congestion control is loaded as {}, and sockets know it by that "
        "name; write it, or unload it first: sluice congestion unload",
        desired.mark.line, loaded);
  return {};
}

Result<DevicePlan> plan_devices(const ConfigurationPorts& ports, const Desired& desired) {
  DevicePlan plan;
  if (desired.attachments) {
    const auto running = TRY(ports.devices.attachments());
    TRY(plan_attachments(ports.devices, *desired.attachments, running, plan));
  }
  if (desired.congestion) {
    const auto loaded = TRY(ports.congestion.loaded());
    TRY(plan_congestion(*desired.congestion, ports.instance, loaded, plan));
  }
  return plan;
}

// Attaches and loads; the destructor reverts that unless keep() was called.
class PendingAttachments {
 public:
  PendingAttachments(const ConfigurationPorts& ports, Applied& applied)
      : ports_(ports), applied_(applied) {}
  ~PendingAttachments() {
    if (kept_) return;
    for (const Attachment& each : adjusted_) put_back(each);
    for (const auto& each : attached_) (void)ports_.devices.detach(each.component, each.device);
    if (!loaded_.empty()) (void)ports_.congestion.unload(loaded_);
  }
  PendingAttachments(const PendingAttachments&) = delete;
  PendingAttachments& operator=(const PendingAttachments&) = delete;

  Result<void> attach_and_load(const DevicePlan& plan) {
    for (const auto& [wanted, changes, there] : plan.attach) {
      auto report = TRY(ports_.devices.attach(wanted.component, wanted.device, wanted.settings));
      append(applied_.notes, report.notes);
      append(applied_.changes, report.changes);
      if (there) {
        adjusted_.push_back(*there);
      } else {
        attached_.push_back(wanted);
        applied_.changes.push_back(sentence(wanted.component, "attached to", wanted.device));
      }
    }
    if (plan.load.empty()) return {};
    TRY(ports_.congestion.load(plan.load));
    loaded_ = plan.load;
    applied_.changes.push_back(loaded_sentence(plan.load, true));
    return {};
  }
  void keep() { kept_ = true; }

 private:
  // Attaching again selects the program that fits the restored root qdisc.
  void put_back(const Attachment& before) {
    (void)ports_.devices.restore_egress(before.device, before.egress);
    (void)ports_.devices.attach(before.component, before.device, {});
  }

  const ConfigurationPorts& ports_;
  Applied& applied_;
  std::vector<DesiredAttachment> attached_;
  std::vector<Attachment> adjusted_;
  std::string loaded_;
  bool kept_ = false;
};

Result<void> detach_and_unload(const ConfigurationPorts& ports, const DevicePlan& plan,
                               Applied& applied) {
  for (const auto& each : plan.detach) {
    const auto done = TRY(ports.devices.detach(each.component, each.device));
    append(applied.notes, done.egress.changes);
    append(applied.notes, done.egress.notes);
  }
  return plan.unload.empty() ? Result<void>{} : ports.congestion.unload(plan.unload);
}

}  // namespace

Result<Applied> apply_configuration(const ConfigurationPorts& ports, const Desired& desired,
                                    Apply apply) {
  const auto plan = TRY(plan_devices(ports, desired));
  Applied applied;
  if (apply == Apply::only_show) applied.changes = plan.sentences_before();
  PendingAttachments pending_attachments(ports, applied);
  if (apply == Apply::perform) {
    // Refuses what can be refused before anything is attached.
    if (desired.services && !(plan.attach.empty() && plan.load.empty())) {
      TRY(apply_services(ports.dataplane, *desired.services, Apply::only_show));
    }
    TRY(pending_attachments.attach_and_load(plan));
  }
  if (desired.services) {
    auto changed = apply_services(ports.dataplane, *desired.services, apply);
    if (!changed) {
      // After the commit the change is only unfinished.
      const auto pending = ports.dataplane.configuration.pending();
      if (pending && *pending != 0) pending_attachments.keep();
      return tl::unexpected(changed.error());
    }
    append(applied.changes, *changed);
  }
  pending_attachments.keep();
  if (apply == Apply::perform) {
    TRY(detach_and_unload(ports, plan, applied));
  }
  append(applied.changes, plan.sentences_after());
  return applied;
}

Result<Desired> running_configuration(const ConfigurationPorts& ports) {
  const auto configuration = TRY(Configuration::load(ports.dataplane.configuration));
  Desired desired;
  desired.services = services_of(configuration);
  const auto running = TRY(ports.devices.attachments());
  desired.attachments.emplace();
  for (const Attachment& there : running) {
    if (!there.here || there.gone) continue;
    DesiredAttachment each{.device = there.device, .component = there.component};
    each.settings.chain = there.mode == "chained";
    if (there.mode == "native") each.settings.mode = XdpMode::native;
    if (there.mode == "generic") each.settings.mode = XdpMode::generic;
    each.settings.fq = there.egress.fq;
    each.settings.gso_max_segs = there.egress.gso_max_segs;
    desired.attachments->push_back(each);
  }
  if (ports.congestion.supported()) {
    const auto loaded = TRY(ports.congestion.loaded());
    if (!loaded.empty()) desired.congestion = DesiredCongestion{.loaded = true, .name = loaded};
  }
  return desired;
}

}  // namespace sluice
