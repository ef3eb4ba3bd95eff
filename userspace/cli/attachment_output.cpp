// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/attachment_output.h"

#include <fmt/format.h>

namespace sluice {

Json attachment_json(const Attachment& attachment) {
  const auto& packets = attachment.egress.gso_max_segs;
  return {{"component", component_text(attachment.component)},
          {"device", attachment.device},
          {"mode", attachment.mode},
          {"here", attachment.here},
          {"gone", attachment.gone},
          {"namespace_id", attachment.namespace_id},
          {"fq", attachment.egress.fq},
          {"gso_max_segs", packets ? Json(*packets) : Json()}};
}

std::string attachment_text(const Attachment& attachment) {
  std::string text = fmt::format("{} on {}, {}", component_text(attachment.component),
                                 attachment.device, attachment.mode);
  if (attachment.egress.fq) text += ", fq";
  if (attachment.egress.gso_max_segs)
    text += fmt::format(", gso_max_segs {}", *attachment.egress.gso_max_segs);
  if (attachment.gone) {
    text += " (the device is gone)";
  } else if (!attachment.here) {
    text += fmt::format(" (in network namespace {})", attachment.namespace_id);
  }
  return text;
}

}  // namespace sluice
