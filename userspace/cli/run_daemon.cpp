// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice run FILE.
#include <ctime>
#include <ostream>

#include "cli/configuration_file.h"
#include "cli/nouns.h"
#include "kernel/instance/instance_ports.h"

namespace sluice {
namespace {

using Sentences = std::vector<std::string>;

struct RunDaemonOptions {
  std::string file;
  std::string metrics;
};

// Writes one line and flushes it, for a reader that follows the log. A line that cannot be written
// is lost and the next one is tried: a full disk must not stop the daemon.
void log_line(Context& context, const std::string& words) {
  if (context.json) {
    const Json line{{"time_s", static_cast<uint64_t>(std::time(nullptr))}, {"sentence", words}};
    context.err << line.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  } else {
    context.err << words << std::endl;
  }
  context.err.clear();
}

Result<Sentences> apply_file(const std::string& name, const Desired& desired) {
  auto instance = TRY(Instance::open_locked(name));
  auto applied = TRY(apply_configuration(instance, desired, Apply::perform));
  applied.changes.insert(applied.changes.end(), applied.notes.begin(), applied.notes.end());
  auto notes = TRY(release_notes(instance));
  applied.changes.insert(applied.changes.end(), notes.begin(), notes.end());
  return std::move(applied.changes);
}

Result<void> run_daemon_command(const RunDaemonOptions& options, Context& context) {
  if (context.dry_run)
    return misused(
        "run: a daemon has no --dry-run; to see what it would change: sluice apply {} "
        "--dry-run",
        options.file);
  DaemonOptions daemon{.instance = context.instance, .file = options.file, .metrics = {}};
  if (!options.metrics.empty()) {
    const auto at = TRY(HostPort::parse(options.metrics));
    if (at.port == 0)
      return misused("run: --metrics {}: the port is missing, as in 127.0.0.1:9273",
                     options.metrics);
    daemon.metrics = at;
  }
  const DaemonPorts ports{
      .read_file = [&](const std::string& path) { return read_configuration_file(path, context); },
      .apply = apply_file,
      .log = [&](const std::string& words) { log_line(context, words); }};
  return context.daemon(daemon, ports);
}

}  // namespace

void setup_run(CLI::App& app, Context& context) {
  auto options = std::make_shared<RunDaemonOptions>();
  CLI::App* verb = add_verb(
      app, "run", "Manage an instance as a daemon: follow a file, check health, serve metrics",
      "  sluice run /etc/sluice/sluice.yaml\n"
      "  sluice run sluice.yaml --metrics 127.0.0.1:9273\n");
  add_argument(verb, "FILE", options->file, "the configuration, in YAML")->required();
  add_value(verb, "--metrics", "ADDR:PORT", options->metrics,
            "where to serve metrics; takes precedence over the file");
  runs(verb, context, options, run_daemon_command);
}

}  // namespace sluice
