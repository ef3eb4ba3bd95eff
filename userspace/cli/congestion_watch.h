// sluice congestion watch, a verb that is a story of its own.
#pragma once

#include "cli/nouns.h"

namespace sluice {

void add_congestion_watch(CLI::App* noun, Context& context);

}  // namespace sluice
