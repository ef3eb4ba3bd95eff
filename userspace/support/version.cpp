// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "support/version.h"

namespace sluice {

// SLUICE_VERSION comes from CMakeLists.txt. constinit: other initializers may use it.
constinit const std::string_view version_text = SLUICE_VERSION;

}  // namespace sluice
