// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The nouns of the command line, one file each. setup_x() declares a noun's verbs and their
// options. Parsing fills an options struct and sets Context::command to the call of run_x(options)
// that the arguments ask for.
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

// Verbs in files of their own.
void add_service_settle(CLI::App* noun, Context& context);
void add_instance_upgrade(CLI::App* noun, Context& context);
void add_congestion_load(CLI::App* noun, Context& context);
void add_congestion_watch(CLI::App* noun, Context& context);

// A noun requires one of its verbs. `examples` are whole command lines.
CLI::App* add_noun(CLI::App& app, const std::string& name, const std::string& description,
                   const std::string& examples);
CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& description,
                   const std::string& examples);

// A positional argument. Values stay text until the model parses them, which makes the error
// message.
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
