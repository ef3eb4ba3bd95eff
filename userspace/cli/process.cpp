// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/process.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string_view>

#include "cli/run.h"

namespace sluice {
namespace {

// False: writing failed, and errno has the reason.
bool write_whole(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

int run_process(int argc, char** argv, const RunDaemon& daemon) {
  std::signal(SIGPIPE, SIG_IGN);
  std::ostringstream out;
  const int status = run(argc, argv, out, std::cerr, daemon);
  if (!write_whole(out.view()) && errno != EPIPE) {
    std::cerr << "sluice: stdout: " << std::strerror(errno) << '\n';
    return status == 0 ? 1 : status;
  }
  return status;
}

}  // namespace sluice
