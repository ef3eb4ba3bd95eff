// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/nouns.h"

namespace sluice {
namespace {

std::string footer(const std::string& examples) {
  return "Example:\n" + examples +
         "\nBefore or after the rest: --instance NAME, --json, --dry-run; sluice --help explains "
         "them.";
}

}  // namespace

CLI::App* add_noun(CLI::App& app, const std::string& name, const std::string& description,
                   const std::string& examples) {
  CLI::App* noun = add_verb(app, name, description, examples);
  noun->require_subcommand(1);
  return noun;
}

CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& description,
                   const std::string& examples) {
  CLI::App* verb = app.add_subcommand(name, description);
  verb->footer(footer(examples));
  return verb;
}

CLI::Option* add_argument(CLI::App* verb, const std::string& name, std::string& value,
                          const std::string& description) {
  return verb->add_option(name, value, description)->option_text(" ");
}

CLI::Option* add_value(CLI::App* verb, const std::string& flag, const std::string& name,
                       std::string& value, const std::string& description) {
  return verb->add_option(flag, value, description)->type_name(name)->option_text(name);
}

}  // namespace sluice
