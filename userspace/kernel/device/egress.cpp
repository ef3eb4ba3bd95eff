// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kernel/device/egress.h"

#include <net/if.h>

#include "kernel/device/qdisc.h"
#include "kernel/device/segments.h"
#include "kernel/system/routes.h"

namespace sluice {
namespace {

// A qdisc that other software installed is never replaced.
Result<void> check_root_qdisc(const std::string& device, const RootQdisc& root) {
  if (root.owner != QdiscOwner::other || root.fq) return {};
  return failed(
      "device {}: its root qdisc is {}, which other software installed, and sluice does not "
      "replace it (take it off first: tc qdisc del dev {} root; or attach pace without --fq)",
      device, root.kind, device);
}

// Installs fq as the root qdisc. A kernel without fq gets a note: rates have other enforcers.
Result<void> give_fq(const std::string& device, uint32_t ifindex, Apply apply,
                     EgressReport& report) {
  auto root = TRY(root_qdisc(ifindex));
  if (root.fq) return {};
  TRY(check_root_qdisc(device, root));
  const bool installed = apply == Apply::perform ? TRY(install_fq(device, ifindex))
                                                 : kernel_has_fq().value_or(true);
  if (installed)
    report.changes.push_back(
        fmt::format("device {}: root qdisc fq, in place of {}", device, root.kind));
  else
    report.notes.push_back(
        fmt::format("device {}: this kernel has no fq (its module is sch_fq)", device));
  return {};
}

Result<void> check_segments(const std::string& device, const SegmentLimit& limit,
                            uint32_t packets) {
  if (packets <= limit.driver) return {};
  return failed("device {}: gso_max_segs {}: its driver takes {} at most", device, packets,
                limit.driver);
}

Result<void> limit_segments(const std::string& directory, const std::string& device,
                            uint32_t ifindex, uint32_t packets, Apply apply, EgressReport& report) {
  const auto limit = TRY(segment_limit(directory, device, ifindex));
  TRY(check_segments(device, limit, packets));
  if (packets == limit.packets) return {};
  if (apply == Apply::perform) TRY(set_segment_limit(directory, device, ifindex, packets));
  report.changes.push_back(
      fmt::format("device {}: gso_max_segs {}, in place of {}", device, packets, limit.packets));
  return {};
}

}  // namespace

Result<Egress> egress_of(const std::string& directory, const std::string& device) {
  const auto ifindex = TRY(device_index(device));
  const auto root = TRY(root_qdisc(ifindex));
  const auto limit = TRY(segment_limit(directory, device, ifindex));
  Egress egress{.fq = root.owner == QdiscOwner::sluice, .gso_max_segs = {}};
  if (limit.ours) egress.gso_max_segs = limit.packets;
  return egress;
}

Result<EgressReport> fit_egress(const std::string& directory, const std::string& device,
                                const AttachSettings& settings, Apply apply) {
  EgressReport report;
  if (!settings.fq && !settings.gso_max_segs) return report;
  const auto ifindex = TRY(device_index(device));
  const auto before = TRY(egress_of(directory, device));
  Result<void> done;
  if (settings.fq) done = give_fq(device, ifindex, apply, report);
  if (done && settings.gso_max_segs)
    done = limit_segments(directory, device, ifindex, *settings.gso_max_segs, apply, report);
  if (done) return report;
  // Only the first error is reported.
  if (apply == Apply::perform) (void)restore_egress(directory, device, before);
  return tl::unexpected(done.error());
}

Result<void> restore_egress(const std::string& directory, const std::string& device,
                            const Egress& before) {
  const auto ifindex = TRY(device_index(device));
  if (!before.fq) TRY(remove_fq(device, ifindex));
  const auto limit = TRY(segment_limit(directory, device, ifindex));
  if (before.gso_max_segs)
    return set_segment_limit(directory, device, ifindex, *before.gso_max_segs);
  return limit.ours ? restore_segment_limit(directory, device, ifindex) : Result<void>{};
}

Result<EgressReport> release_egress(const std::string& directory, const std::string& device,
                                    Apply apply) {
  EgressReport report;
  // 0: the device no longer exists, and neither do its qdiscs.
  const uint32_t ifindex = if_nametoindex(device.c_str());
  if (ifindex != 0) {
    const auto limit = TRY(segment_limit(directory, device, ifindex));
    if (limit.ours)
      report.changes.push_back(
          fmt::format("device {}: gso_max_segs {} again", device, *limit.before));
    else if (limit.before && *limit.before != limit.packets)
      report.notes.push_back(fmt::format(
          "device {}: gso_max_segs is {}, set by other software after sluice, and stays so", device,
          limit.packets));
  }
  if (apply == Apply::only_show) return report;
  if (ifindex != 0) TRY(remove_fq(device, ifindex));
  TRY(restore_segment_limit(directory, device, ifindex));
  return report;
}

}  // namespace sluice
