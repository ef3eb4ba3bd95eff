// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice, without the libraries of the daemon: a command ends after some milliseconds, and loading
// them would take half of that.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/process.h"

namespace {

// sluice-daemon is beside this program, or where the package installs it.
std::filesystem::path daemon_program() {
  std::error_code ignored;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto beside = own.parent_path() / "sluice-daemon";
  return std::filesystem::exists(beside, ignored) ? beside : SLUICE_DAEMON_PROGRAM;
}

// Returns only if it fails. The arguments are checked already.
sluice::Result<void> become_daemon(char** argv) {
  const auto program = daemon_program();
  execv(program.c_str(), argv);
  return sluice::failed("run: {}: {}; install it with the same package as sluice", program.native(),
                        std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::run_process(argc, argv,
                             [argv](const auto&, const auto&) { return become_daemon(argv); });
}
