// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The process around cli/run.h. stdout is written after the command is done: a reader that closes
// the pipe early (`sluice flow list | head`) can neither interrupt a change nor make it fail.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string_view>

#include "cli/run.h"

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

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::ostringstream out;
  const int status = sluice::run(argc, argv, out, std::cerr);
  if (!write_whole(out.view()) && errno != EPIPE) {
    std::cerr << "sluice: stdout: " << std::strerror(errno) << '\n';
    return status == 0 ? 1 : status;
  }
  return status;
}
