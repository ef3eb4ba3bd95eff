// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The nouns of the command line, a file each, and what they share to set themselves up. setup_x()
// declares a noun's verbs with their options; parsing fills an options struct and leaves, in
// Context::command, the call of run_x(options) that the arguments ask for.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "cli/context.h"

namespace sluice {

void setup_attach(CLI::App& app, Context& context);  // attach and detach
void setup_status(CLI::App& app, Context& context);
void setup_service(CLI::App& app, Context& context);
void setup_backend(CLI::App& app, Context& context);
void setup_policy(CLI::App& app, Context& context);
void setup_filter(CLI::App& app, Context& context);
void setup_client_weight(CLI::App& app, Context& context);
void setup_congestion(CLI::App& app, Context& context);
void setup_flow(CLI::App& app, Context& context);
void setup_instance(CLI::App& app, Context& context);
void setup_check(CLI::App& app, Context& context);
void setup_apply(CLI::App& app, Context& context);  // apply and export
void setup_run(CLI::App& app, Context& context);

// A verb of the noun service that is a story of its own.
void add_service_settle(CLI::App* noun, Context& context);
// And of the noun instance.
void add_instance_upgrade(CLI::App* noun, Context& context);

// A noun, which wants one of its verbs; or a verb. `examples` are whole command lines.
CLI::App* add_noun(CLI::App& app, const std::string& name, const std::string& description,
                   const std::string& examples);
CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& description,
                   const std::string& examples);

// A positional argument; every command line value is text until the model has parsed it.
CLI::Option* add_argument(CLI::App* verb, const std::string& name, std::string& value,
                          const std::string& description);
// "--weight N"
CLI::Option* add_value(CLI::App* verb, const std::string& flag, const std::string& name,
                       std::string& value, const std::string& description);

template <typename Options>
void runs(CLI::App* verb, Context& context, std::shared_ptr<Options> options,
          Result<void> (*run)(const Options&, Context&)) {
  verb->callback([&context, options = std::move(options), run] {
    context.command = [&context, options, run] { return run(*options, context); };
  });
}

}  // namespace sluice
