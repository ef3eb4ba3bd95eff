// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Text of an errno for the operator; for missing privilege, what to do.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

namespace sluice {

[[nodiscard]] inline std::string error_text(int error) {
  if (error == EPERM || error == EACCES)
    return "not permitted (run it as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)";
  return strerror(error);
}

}  // namespace sluice
