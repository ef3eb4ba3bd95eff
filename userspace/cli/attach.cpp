// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice attach COMPONENT DEV, sluice detach COMPONENT DEV.
#include <net/if.h>

#include "cli/nouns.h"
#include "kernel/device/attach.h"
#include "kernel/device/egress.h"
#include "kernel/system/bpffs.h"

namespace sluice {
namespace {

struct AttachOptions {
  std::string component;
  std::string device;
  bool native = false;
  bool generic = false;
  bool chain = false;
  bool fq = false;
  std::string gso_max_segs;
};

std::string attachment_sentence(const Attachment& attachment, bool already) {
  return fmt::format("{}: {} {}, {}", component_text(attachment.component),
                     already ? "is already attached to" : "attached to", attachment.device,
                     attachment.mode);
}

Result<std::optional<Attachment>> attachment_on(Instance& instance, Component component,
                                                const std::string& device) {
  const auto all = TRY(attachments(instance));
  for (const auto& one : all) {
    if (one.component == component && one.device == device && one.here && !one.gone) return one;
  }
  return std::optional<Attachment>{};
}

void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

// Changes of the device itself (qdisc, gso_max_segs) are shown with the notes.
Result<void> show_attach(Component component, const AttachOptions& options,
                         const AttachSettings& settings, Context& context) {
  const auto exists = TRY(instance_exists(context));
  std::vector<std::string> notes;
  std::optional<Attachment> present;
  if (exists) {
    auto instance = TRY(Instance::open(context.instance));
    notes = TRY(release_notes(instance));
    present = TRY(attachment_on(instance, component, options.device));
  } else {
    notes = creation_note(context);
  }
  const auto fit = TRY(
      fit_egress(instance_directory(context.instance), options.device, settings, Apply::only_show));
  append(notes, fit.changes);
  append(notes, fit.notes);
  const auto sentence =
      present ? attachment_sentence(*present, true)
              : fmt::format("{}: attached to {}", component_text(component), options.device);
  tell(context, {.needed = !present || !fit.changes.empty(), .sentence = sentence}, notes);
  return {};
}

Result<void> run_attach(const AttachOptions& options, Context& context) {
  const auto component = TRY(parse_component(options.component));
  if (component == Component::pace && (options.native || options.generic || options.chain)) {
    return misused(
        "attach pace: --native, --generic and --chain concern XDP, and pace attaches to tc");
  }
  if (component != Component::pace && options.fq) {
    return misused("attach {}: --fq concerns departure times, which only pace sets",
                   component_text(component));
  }
  if (component != Component::pace && !options.gso_max_segs.empty()) {
    return misused("attach {}: --gso-max-segs concerns departure times, which only pace sets",
                   component_text(component));
  }
  AttachSettings settings{.mode = options.native    ? XdpMode::native
                                  : options.generic ? XdpMode::generic
                                                    : XdpMode::automatic,
                          .chain = options.chain,
                          .fq = options.fq};
  if (!options.gso_max_segs.empty()) {
    settings.gso_max_segs = TRY(parse_gso_max_segs(options.gso_max_segs));
  }
  // Checked before the instance is opened, because opening creates it: a typing error must not.
  if (if_nametoindex(options.device.c_str()) == 0) {
    return failed("device {}: this network namespace has no device of that name; see: ip link",
                  options.device);
  }
  if (context.dry_run) return show_attach(component, options, settings, context);

  auto instance = TRY(Instance::open_locked(context.instance));
  const auto report = TRY(attach(instance, component, options.device, settings));
  auto notes = TRY(release_notes(instance));
  append(notes, report.changes);
  append(notes, report.notes);
  tell(context,
       {.needed = !report.already || !report.changes.empty(),
        .sentence = attachment_sentence(report.attachment, report.already)},
       notes);
  return {};
}

Result<void> run_detach(const AttachOptions& options, Context& context) {
  const auto component = TRY(parse_component(options.component));
  const auto exists = TRY(instance_exists(context));

  bool attached = false;
  EgressReport egress;
  if (exists) {
    auto instance = TRY(context.dry_run ? Instance::open(context.instance)
                                        : Instance::open_locked(context.instance));
    if (context.dry_run) {
      const auto present = TRY(attachment_on(instance, component, options.device));
      attached = present.has_value();
      if (component == Component::pace) {
        egress = TRY(release_egress(instance.directory(), options.device, Apply::only_show));
      }
    } else {
      auto done = TRY(detach(instance, component, options.device));
      attached = done.detached;
      egress = std::move(done.egress);
    }
  }
  const bool needed = attached || !egress.changes.empty();
  append(egress.changes, egress.notes);
  tell(context,
       {.needed = needed,
        .sentence = fmt::format("{}: {} {}", component_text(component),
                                attached ? "detached from" : "is not attached to", options.device)},
       egress.changes);
  return {};
}

void add_component_and_device(CLI::App* verb, AttachOptions& options) {
  add_argument(verb, "COMPONENT", options.component, "steer, decap or pace")->required();
  add_argument(verb, "DEV", options.device, "a network device of this network namespace")
      ->required();
}

}  // namespace

void setup_attach(CLI::App& app, Context& context) {
  auto attached = std::make_shared<AttachOptions>();
  CLI::App* verb = add_verb(app, "attach", "Attach a component to a device",
                            "  sluice attach steer eth0\n"
                            "  sluice attach decap eth0 --generic\n"
                            "  sluice attach steer eth0 --chain\n"
                            "  sluice attach pace eth0 --fq --gso-max-segs 1\n");
  add_component_and_device(verb, *attached);
  CLI::Option* native = verb->add_flag("--native", attached->native,
                                       "XDP in the driver only; fails if the driver has none")
                            ->option_text(" ");
  verb->add_flag("--generic", attached->generic,
                 "XDP in the kernel's stack: works on every device, slower")
      ->option_text(" ")
      ->excludes(native);
  verb->add_flag("--chain", attached->chain,
                 "beside other XDP programs, in libxdp's dispatcher; no multi-buffer frames")
      ->option_text(" ");
  verb->add_flag("--fq", attached->fq,
                 "pace: make fq, which enforces departure times, the device's root qdisc")
      ->option_text(" ");
  add_value(verb, "--gso-max-segs", "N", attached->gso_max_segs,
            "pace: at most N segments in a GSO packet, which leaves as one burst");
  runs(verb, context, attached, run_attach);

  auto detached = std::make_shared<AttachOptions>();
  verb =
      add_verb(app, "detach", "Detach a component from a device", "  sluice detach steer eth0\n");
  add_component_and_device(verb, *detached);
  runs(verb, context, detached, run_detach);
}

}  // namespace sluice
