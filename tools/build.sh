# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How tools/demo and the benchmarks build what they run. Sourced by them, in the project's root.

# build_targets PACKAGES TARGET...: installs the packages of this group (tools/install) and builds the
# targets. The output of the build is shown only if it fails.
build_targets() {
  local packages=$1 log
  shift
  tools/install "$packages"
  log=$(mktemp)
  if ! { cmake --preset dev && cmake --build --preset dev --target "$@"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

# require_root TOOL PURPOSE: exits with 1 unless the process is root.
require_root() {
  if [[ $(id -u) -ne 0 ]]; then
    echo "$1: needs root, for $2: sudo $1" >&2
    exit 1
  fi
}
