// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/run.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <exception>
#include <string_view>
#include <vector>

#include "cli/nouns.h"
#include "support/version.h"

namespace sluice {
namespace {

void setup_globals(CLI::App& app, Context& context) {
  app.add_option("--instance", context.instance, "the instance to work on (default sluice)")
      ->option_text("NAME");
  app.add_flag("--json", context.json, "data as JSON")->disable_flag_override();
  app.add_flag("--dry-run", context.dry_run, "show what would change, and change nothing")
      ->disable_flag_override();
  app.set_version_flag("--version", "sluice " + std::string(version_text), "show the version");
  app.footer(
      "Example:\n"
      "  sluice service add web 203.0.113.10:443/tcp\n"
      "  sluice backend add web 10.0.0.11:8443\n"
      "  sluice attach steer eth0\n"
      "  sluice status\n"
      "\nsluice NOUN VERB --help explains each; data goes to stdout and messages to stderr;\n"
      "exit status: 0 done, 1 failed, 2 misused.");
  app.fallthrough();
  app.require_subcommand(1);
}

struct Noun {
  std::vector<std::string_view> names;
  void (*setup)(CLI::App& app, Context& context);
};

const std::vector<Noun>& nouns() {
  static const std::vector<Noun> all{
      {{"attach", "detach"}, setup_attach},
      {{"status"}, setup_status},
      {{"service"}, setup_service},
      {{"backend"}, setup_backend},
      {{"policy"}, setup_policy},
      {{"filter"}, setup_filter},
      {{"client-weight"}, setup_client_weight},
      {{"congestion"}, setup_congestion},
      {{"flow"}, setup_flow},
      {{"instance"}, setup_instance},
      {{"check"}, setup_check},
      {{"apply", "export"}, setup_apply},
      {{"run"}, setup_run},
  };
  return all;
}

// The noun that the arguments begin with; empty if something else comes first, such as --help.
std::string_view noun_of(int argc, const char* const* argv) {
  for (int i = 1; i < argc; i++) {
    const std::string_view argument = argv[i];
    if (argument == "--instance") {
      i++;
    } else if (argument != "--json" && argument != "--dry-run" &&
               !argument.starts_with("--instance=")) {
      return argument.starts_with("-") ? "" : argument;
    }
  }
  return {};
}

// Declares the one noun that a command needs: all of them take a tenth of its time. Without a known
// noun the help and the errors list every noun.
void setup_nouns(CLI::App& app, Context& context, std::string_view wanted) {
  const auto named = [&](const Noun& noun) {
    return std::find(noun.names.begin(), noun.names.end(), wanted) != noun.names.end();
  };
  const bool known = std::any_of(nouns().begin(), nouns().end(), named);
  for (const Noun& noun : nouns())
    if (!known || named(noun)) noun.setup(app, context);
}

// The noun or verb where parsing stopped, and its path, such as "sluice service add".
struct Reached {
  const CLI::App* app;
  std::string path;
};

Reached reached_by(const CLI::App& app) {
  Reached reached{.app = &app, .path = app.get_name()};
  for (auto next = reached.app->get_subcommands(); !next.empty();
       next = reached.app->get_subcommands()) {
    reached.app = next.front();
    reached.path += " " + reached.app->get_name();
  }
  return reached;
}

// The first argument that nothing accepted. An option comes first: it may be the cause of the
// others.
std::string untaken(const CLI::App& app) {
  std::string first;
  for (const auto& argument : app.remaining(true)) {
    if (argument == "--") continue;
    if (argument.size() > 1 && argument.front() == '-') return argument;
    if (first.empty()) first = argument;
  }
  return first;
}

std::string choice_missing(const Reached& reached, const std::string& kind,
                           const std::string& given) {
  std::vector<std::string> choices;
  for (const auto* choice : reached.app->get_subcommands([](const CLI::App*) { return true; })) {
    choices.push_back(choice->get_name());
  }
  if (given.empty()) return fmt::format("a {} is missing: {}", kind, fmt::join(choices, ", "));
  return fmt::format("there is no {} \"{}\", only {}", kind, given, fmt::join(choices, ", "));
}

// Rewrites CLI11's "--weight: At Most 1 required but received 2", "--weight: 1 required N missing"
// and "json was given a disallowed flag override".
std::string wrong_count(const std::string& what) {
  const std::string option = what.substr(0, what.find(':'));
  if (what.find("missing") != std::string::npos) return option + " requires a value";
  if (what.find("At Most") != std::string::npos) return option + " is given more than once";
  if (what.find("flag override") != std::string::npos) {
    return "--" + what.substr(0, what.find(' ')) + " takes no value";
  }
  return what;
}

// CLI11 detects the error, but its message is not one sentence that names the next command.
std::string misuse_sentence(const CLI::App& app, const CLI::ParseError& error) {
  const Reached reached = reached_by(app);
  const bool at_root = reached.app == &app;
  const std::string given = untaken(app);

  std::string what = error.what();
  if (error.get_name() == "ArgumentMismatch") {
    what = wrong_count(what);
  } else if (!given.empty() && given.front() == '-') {
    what = fmt::format("there is no option {}", given);
  } else if (!reached.app->get_subcommands([](const CLI::App*) { return true; }).empty()) {
    what = choice_missing(reached, at_root ? "command" : "verb", given);
  } else if (!given.empty()) {
    what = fmt::format("\"{}\" is one argument too many", given);
  }
  const auto where = at_root ? "" : reached.path.substr(app.get_name().size() + 1) + ": ";
  return fmt::format("{}{}; see: {} --help", where, what, reached.path);
}

// Prints one line: control characters of arguments and library messages become blanks.
int refuse(std::ostream& err, ErrorKind kind, std::string sentence) {
  for (auto& letter : sentence) {
    if (static_cast<unsigned char>(letter) < ' ') letter = ' ';
  }
  err << "sluice: " << sentence << '\n';
  return static_cast<int>(kind);
}

Result<void> perform(Context& context) {
  TRY(parse_instance_name(context.instance));
  return context.command();
}

int run_guarded(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
                const RunDaemon& daemon) {
  Context context{.out = out,
                  .err = err,
                  .instance = "sluice",
                  .json = false,
                  .dry_run = false,
                  .daemon = daemon,
                  .command = {}};
  CLI::App app(
      "Steers connections to backends, paces their replies, and governs the sockets that "
      "send them.",
      "sluice");
  setup_globals(app, context);
  setup_nouns(app, context, noun_of(argc, argv));

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return 0;
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << '\n';
    return 0;
  } catch (const CLI::ParseError& error) {
    return refuse(err, ErrorKind::misused, misuse_sentence(app, error));
  }

  const auto done = perform(context);
  if (done) return 0;
  return refuse(err, done.error().kind, done.error().text);
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const RunDaemon& daemon) {
  try {
    return run_guarded(argc, argv, out, err, daemon);
  } catch (const std::exception& exception) {  // thrown by a library, such as std::bad_alloc
    return refuse(err, ErrorKind::failed, std::string("stopped by ") + exception.what());
  }
}

}  // namespace sluice
