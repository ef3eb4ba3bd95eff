#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A short run of tools/bench congestion: the congestion control works over emulated links, and the
# benchmark measures. The bounds are wide, because the machine may be busy; the whole benchmark on
# an idle machine judges performance. Needs root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

root=$(cd "$here/../.." && pwd)
build=${SLUICE_BUILD:-$root/build}
files=$(mktemp -d)
trap 'rm -rf "$files"' EXIT

bench() {
  SLUICE_BENCH_BUILD=$build "$root/tools/bench" congestion "$@"
}

refuses() {
  local status=0
  bench "${@:2}" >/dev/null 2>"$files/error" || status=$?
  [[ $status -eq $1 && $(wc -l <"$files/error") -eq 1 ]] || { cat "$files/error"; return 1; }
}

# Congestion controls that benchmarks have registered, other runs included.
registered() { "$build/sluice" congestion list --json | jq -c '[.[].name | select(startswith("bench"))]'; }

figure() {
  jq -r --arg case "$1" --arg name "$2" --argjson loss "${3-0}" '
    [.medians[] | select(.case == $case and .loss_percent == $loss)][0].figures[$name]' "$files/report.json"
}

before=$(registered)
check "the benchmark refuses an unknown case" refuses 2 --only nothing
check "the benchmark runs" bench --quick --only alone,four,cubic-one,rate,jitter --algorithms sluice \
  --buffers 1 --seconds 10 --json "$files/report.json"
check "the emulated links kept up" jq -e '[.runs[].device_drops] | add == 0' "$files/report.json"
check_between "one flow fills most of a link, in percent" 70 105 "$(figure alone utilisation)"
check_between "one flow does not fill the buffer of 40 ms: median queue in ms" 0 25 \
  "$(figure alone queue_p50_ms)"
check_between "four flows share: Jain's index" 0.7 1 "$(figure four jain)"
check_between "four flows fill most of a link, in percent" 70 105 "$(figure four utilisation)"
check_between "a flow beside a flow of cubic: share in percent" 2 98 \
  "$(figure cubic-one share)"
check_between "under jitter of 10 ms no flow starves: the slowest flow in percent of the fair share" 5 100 \
  "$(figure jitter least)"
check_between "a flow reaches and keeps the policy's rate, in percent" 90 105 "$(figure rate rate)"
check "every flow begins in slow start" jq -e '
  [.runs[].flows[] | select(.algorithm == "sluice") | .states_entered.slow_start >= 1] | all' \
  "$files/report.json"
check "a flow alone reaches congestion avoidance" jq -e '
  [.runs[] | select(.case == "alone" and .loss_percent == 0) | .flows[].states_entered.avoidance >= 1] | all' \
  "$files/report.json"
check "random loss is repaired by fast recovery" jq -e '
  [.runs[] | select(.case == "alone" and .loss_percent == 1) | .flows[].states_entered.recovery >= 1] | all' \
  "$files/report.json"
check_equal "no congestion control stays registered" "$before" registered
report_end
