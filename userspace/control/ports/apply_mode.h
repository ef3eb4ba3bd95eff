// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#pragma once

namespace sluice {

enum class Apply { perform, only_show };  // only_show: --dry-run

}  // namespace sluice
