#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The demo as a test: it succeeds, its JSON has the figures, and nothing is left behind, also after
# a signal.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"
root=$here/../..
out=$(mktemp) figures=$(mktemp)
trap 'rm -f "$out" "$figures"' EXIT

left_behind() {
  ls /run/netns 2>/dev/null | grep '^sluice-demo-' || true
  ls -d /sys/fs/bpf/sluice-demo /run/sluice-lab/demo 2>/dev/null || true
}

demo() { env -u SLUICE_CHECK_INSIDE "$root/tools/demo" "$@"; }

# The only failures are rates below their bounds, which a shared machine can cause: such a run is
# repeated once; any other failure is final.
only_too_slow() {
  sed -nE 's/^demo: (.*): ([^ ]*), where ([^ ]*) to [^ ]* was expected$/\1;\2;\3/p' "$out" |
    awk -F';' '{ if ($1 !~ / in mbit$/ || $2 + 0 >= $3 + 0) other++ } END { exit NR == 0 || other > 0 }'
}

ended=0
demo --json "$figures" >"$out" 2>&1 || ended=$?
if [[ $ended -ne 0 ]] && only_too_slow; then
  grep '^demo:' "$out" | sed 's/^/# repeated because of: /'
  ended=0
  demo --json "$figures" >"$out" 2>&1 || ended=$?
fi
if [[ $ended -eq 0 ]]; then
  report_ok "the demo ends with exit 0"
else
  report_not_ok "the demo ends with exit 0" "$(tail -n 30 "$out")"
fi
check "its last line reports success" grep -q '^demo: all figures within bounds' "$out"
check "shares are within two points of the weights over 10,000 connections" jq -e '
  ([.shares[].connections] | add) >= 10000 and
  all(.shares[]; (.share * 100 - .weight / 6) | fabs <= 2)' "$figures"
check "no request failed while backends were drained and added" jq -e \
  '.requests > 1000 and .failed_requests == 0' "$figures"
check "the paced flow is within 5 % of its policy" jq -e \
  '(.paced.achieved_mbit / .paced.target_mbit - 1) | fabs <= 0.05' "$figures"
check "the window ceiling is within 5 % of the policy limit per RTT" jq -e \
  '(.ceiling.achieved_mbit / .ceiling.target_mbit - 1) | fabs <= 0.05' "$figures"
check "the demo saw the states of the congestion control" jq -e \
  '.congestion.states | index("slow_start") and index("avoidance")' "$figures"
check "Hello, World! was answered on both ports" jq -e \
  '.hello["8080"] == true and .hello["8888"] == true' "$figures"
check_equal "nothing is left behind" "" left_behind

# SIGINT during the load, to the whole process group, as the terminal sends it for Ctrl-C.
set -m
demo >"$out" 2>&1 &
pid=$!
set +m
# The signal comes while bash itself waits for the load. If a foreground command ended successfully
# at the same moment, bash would ignore the signal.
for _ in $(seq 600); do
  [[ -e /run/sluice-lab/demo/shares.out ]] && break
  sleep 0.1
done
sleep 1
kill -INT -- "-$pid"
status=0
wait "$pid" || status=$?
check_equal "after SIGINT the demo exits with 130" 130 echo "$status"
[[ $status -eq 130 ]] || tail -n 5 "$out" | sed 's/^/#   its output: /'
check_equal "after SIGINT nothing is left behind" "" left_behind
report_end
