// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Attached components as JSON and as a line.
#pragma once

#include <string>

#include "cli/json.h"
#include "kernel/device/attach.h"

namespace sluice {

[[nodiscard]] Json attachment_json(const Attachment& attachment);
// "steer on eth0, native"
[[nodiscard]] std::string attachment_text(const Attachment& attachment);

}  // namespace sluice
