# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs one guest script on several kernels: options of the test, skips, sums. Sourced by *_test.

vm_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm_kernels=()

# vm_options USAGE ARGUMENT...: --kernel SERIES, repeatable; both kernels by default.
vm_options() {
  local usage=$1
  shift
  while [[ $# -gt 0 ]]; do
    case $1 in
      --kernel)
        [[ -n ${2-} ]] || { echo "${0##*/}: --kernel wants a series such as 6.1" >&2; exit 2; }
        vm_kernels+=("$2")
        shift ;;
      -h | --help) echo "$usage"; exit 0 ;;
      *) echo "$usage" >&2; exit 2 ;;
    esac
    shift
  done
  if [[ ${#vm_kernels[@]} -eq 0 ]]; then vm_kernels=(6.1 6.12); fi
}

# vm_on_each WHAT RUN-OPTION... -- COMMAND...: runs the command on each kernel and adds up the
# counts "N passed, N failed, N skipped". A kernel that is not available counts as skipped, with the
# reason.
vm_on_each() {
  local what=$1 kernel status log ok bad skip passed=0 failed=0 skipped=0
  shift
  log=$(mktemp)
  for kernel in "${vm_kernels[@]}"; do
    status=0
    echo "-- $what on $kernel"
    "$vm_here/run" --kernel "$kernel" "$@" 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
    read -r ok bad skip < <(awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
      ok = $1; bad = $3; skip = $5 } END { print ok + 0, bad + 0, skip + 0 }' "$log")
    if [[ $status -eq 77 ]]; then
      echo "skip - $what on $kernel: $(sed -n 's/^vm: skip: //p' "$log" | tail -n 1)"
      skip=1
    elif [[ $status -ne 0 && $bad -eq 0 ]]; then
      echo "not ok - $what on $kernel ends with $status"
      bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
  done
  rm -f "$log"
  echo "$passed passed, $failed failed, $skipped skipped"
  [[ $failed -eq 0 ]]
}
