// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/apply.h"

#include <net/if.h>

#include <algorithm>

#include "control/apply.h"
#include "control/running.h"
#include "kernel/congestion/control.h"
#include "kernel/system/bpffs.h"

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

// Everything but the services: what comes before them, and what goes after them.
struct DevicePlan {
  struct Wanted {
    DesiredAttachment attachment;
    std::vector<std::string> changes;  // of the device itself, as a dry run tells them
    std::optional<Attachment> there;   // it is attached, and only the device changes
  };
  std::vector<Wanted> attach;
  std::vector<Attachment> detach;
  std::string load;    // a congestion control's name; empty: none
  std::string unload;  // the same

  [[nodiscard]] std::vector<std::string> coming() const {
    std::vector<std::string> sentences;
    for (const auto& [wanted, changes, there] : attach) {
      append(sentences, changes);
      if (!there) sentences.push_back(sentence(wanted.component, "attached to", wanted.device));
    }
    if (!load.empty()) sentences.push_back(loaded_sentence(load, true));
    return sentences;
  }
  [[nodiscard]] std::vector<std::string> going() const {
    std::vector<std::string> sentences;
    for (const auto& each : detach)
      sentences.push_back(sentence(each.component, "detached from", each.device));
    if (!unload.empty()) sentences.push_back(loaded_sentence(unload, false));
    return sentences;
  }
};

// One that is named after its instance; the kernel takes no '-' in it.
std::string congestion_name(const DesiredCongestion& desired, const std::string& instance) {
  std::string name = desired.name.empty() ? instance : desired.name;
  if (desired.name.empty()) std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Another kind of XDP would need a moment without any, in which the kernel itself would answer.
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

// `directory` is the instance's, and need not be there.
Result<void> plan_attachments(const std::string& directory,
                              const std::vector<DesiredAttachment>& desired,
                              const std::vector<Attachment>& running, DevicePlan& plan) {
  const auto same = [](const DesiredAttachment& wanted, const Attachment& there) {
    return there.here && wanted.component == there.component && wanted.device == there.device;
  };
  for (const DesiredAttachment& wanted : desired) {
    if (if_nametoindex(wanted.device.c_str()) == 0)
      return failed(
          "line {}: device {}: there is none of that name here; ip link shows those "
          "there are",
          wanted.mark.line, wanted.device);
    const auto there = std::find_if(
        running.begin(), running.end(),
        [&](const Attachment& attachment) { return same(wanted, attachment) && !attachment.gone; });
    const auto fit = fit_egress(directory, wanted.device, wanted.settings, Apply::only_show);
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

// That of this instance; empty: it has none.
Result<std::string> loaded_congestion(const std::string& directory) {
  const auto controls = TRY(congestion_list(directory));
  for (const auto& control : controls)
    if (control.pinned) return control.name;
  return std::string();
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

Result<DevicePlan> plan_devices(Instance& instance, const Desired& desired) {
  DevicePlan plan;
  if (desired.attachments) {
    const auto running = TRY(attachments(instance));
    if (auto planned = plan_attachments(instance.directory(), *desired.attachments, running, plan);
        !planned)
      return tl::unexpected(planned.error());
  }
  if (desired.congestion) {
    const auto loaded = TRY(loaded_congestion(instance.directory()));
    TRY(plan_congestion(*desired.congestion, instance.name(), loaded, plan));
  }
  return plan;
}

// Attaches and loads, and takes all of it back unless it is kept.
class PendingAttachments {
 public:
  PendingAttachments(Instance& instance, Applied& applied)
      : instance_(instance), applied_(applied) {}
  ~PendingAttachments() {
    if (kept_) return;
    for (const Attachment& each : adjusted_) put_back(each);
    for (const auto& each : attached_) (void)detach(instance_, each.component, each.device);
    if (!loaded_.empty()) (void)congestion_unload(instance_.directory(), loaded_);
  }
  PendingAttachments(const PendingAttachments&) = delete;
  PendingAttachments& operator=(const PendingAttachments&) = delete;

  Result<void> come(const DevicePlan& plan) {
    for (const auto& [wanted, changes, there] : plan.attach) {
      auto report = TRY(attach(instance_, wanted.component, wanted.device, wanted.settings));
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
    TRY(congestion_load(instance_.directory(), plan.load));
    loaded_ = plan.load;
    applied_.changes.push_back(loaded_sentence(plan.load, true));
    return {};
  }
  void keep() { kept_ = true; }

 private:
  // Attached once more it is the program for the root qdisc that the device has again.
  void put_back(const Attachment& before) {
    (void)restore_egress(instance_.directory(), before.device, before.egress);
    (void)attach(instance_, before.component, before.device, {});
  }

  Instance& instance_;
  Applied& applied_;
  std::vector<DesiredAttachment> attached_;
  std::vector<Attachment> adjusted_;
  std::string loaded_;
  bool kept_ = false;
};

Result<void> go(Instance& instance, const DevicePlan& plan, Applied& applied) {
  for (const auto& each : plan.detach) {
    auto done = TRY(detach(instance, each.component, each.device));
    append(applied.notes, done.egress.changes);
    append(applied.notes, done.egress.notes);
  }
  if (plan.unload.empty()) return {};
  auto done = congestion_unload(instance.directory(), plan.unload);
  return done ? Result<void>{} : tl::unexpected(done.error());
}

}  // namespace

Result<Applied> apply_configuration(Instance& instance, const Desired& desired, Apply apply) {
  auto plan = TRY(plan_devices(instance, desired));
  Applied applied;
  if (apply == Apply::only_show) applied.changes = plan.coming();
  PendingAttachments coming(instance, applied);
  if (apply == Apply::perform) {
    // Refused before anything is attached, where it can be known.
    if (desired.services && !(plan.attach.empty() && plan.load.empty())) {
      TRY(apply_services(instance.dataplane(), *desired.services, Apply::only_show));
    }
    TRY(coming.come(plan));
  }
  if (desired.services) {
    auto changed = apply_services(instance.dataplane(), *desired.services, apply);
    if (!changed) {
      // After its commit it is only unfinished.
      const auto pending = instance.dataplane().pending();
      if (pending && *pending != 0) coming.keep();
      return tl::unexpected(changed.error());
    }
    append(applied.changes, *changed);
  }
  coming.keep();
  if (apply == Apply::perform) {
    TRY(go(instance, plan, applied));
  }
  append(applied.changes, plan.going());
  return applied;
}

Result<Applied> show_configuration(Dataplane& absent, const std::string& instance,
                                   const Desired& desired) {
  DevicePlan plan;
  if (desired.attachments) {
    if (auto planned =
            plan_attachments(instance_directory(instance), *desired.attachments, {}, plan);
        !planned)
      return tl::unexpected(planned.error());
  }
  if (desired.congestion) {
    if (auto planned = plan_congestion(*desired.congestion, instance, {}, plan); !planned)
      return tl::unexpected(planned.error());
  }
  Applied applied{.changes = plan.coming(), .notes = {}};
  if (desired.services) {
    auto changed = TRY(apply_services(absent, *desired.services, Apply::only_show));
    append(applied.changes, changed);
  }
  return applied;
}

Result<Desired> running_configuration(Instance& instance) {
  const auto configuration = TRY(Configuration::load(instance.dataplane()));
  Desired desired;
  desired.services = services_of(configuration);
  const auto running = TRY(attachments(instance));
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
  if (congestion_unsupported().empty()) {
    const auto loaded = TRY(loaded_congestion(instance.directory()));
    if (!loaded.empty()) desired.congestion = DesiredCongestion{.loaded = true, .name = loaded};
  }
  return desired;
}

}  // namespace sluice
