// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// sluice-daemon: what `sluice run` becomes, with the same arguments.
#include "cli/process.h"
#include "daemon/daemon.h"

int main(int argc, char** argv) {
  return sluice::run_process(argc, argv, sluice::run_daemon);
}
