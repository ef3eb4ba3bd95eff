// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice congestion watch, a verb that is a story of its own.
#pragma once

#include "cli/nouns.h"

namespace sluice {

void add_congestion_watch(CLI::App* noun, Context& context);

}  // namespace sluice
