// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice check FILE: needs no kernel and no privilege.
#include "cli/configuration_file.h"
#include "cli/nouns.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

struct CheckOptions {
  std::string file;
};

std::string counted(size_t number, const char* noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

Result<void> run_check(const CheckOptions& options, Context& context) {
  const auto desired = TRY(read_configuration_file(options.file, context));
  size_t services = 0;
  size_t backends = 0;
  if (desired.services) {
    services = desired.services->size();
    for (const auto& service : *desired.services) backends += service.backends.size();
  }
  if (context.json) {
    print_json(context, {{"file", options.file},
                         {"valid", true},
                         {"errors", Json::array()},
                         {"services", services},
                         {"backends", backends}});
  }
  say(context, fmt::format("{}: valid, {} with {}", options.file, counted(services, "service"),
                           counted(backends, "backend")));
  return {};
}

}  // namespace

void setup_check(CLI::App& app, Context& context) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* verb = add_verb(app, "check", "Check a configuration file without applying it",
                            "  sluice check sluice.yaml\n");
  add_argument(verb, "FILE", options->file,
               "the configuration, in YAML; /dev/stdin for standard input")
      ->required();
  runs(verb, context, options, run_check);
}

}  // namespace sluice
