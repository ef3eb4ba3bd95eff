# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The output of a lab test: one line per check and a last line "N passed, N failed, N skipped", which
# tools/check adds up. Sourced by the tests; report_test.sh tests it.

report_passed=0
report_failed=0
report_skipped=0

# report_ok SENTENCE
report_ok() {
  report_passed=$((report_passed + 1))
  printf 'ok - %s\n' "$1"
}

# report_not_ok SENTENCE [DETAILS]
report_not_ok() {
  report_failed=$((report_failed + 1))
  printf 'not ok - %s\n' "$1"
  if [[ -n ${2-} ]]; then printf '%s\n' "$2" | sed 's/^/#   /'; fi
}

# report_skip SENTENCE REASON
report_skip() {
  report_skipped=$((report_skipped + 1))
  printf 'skip - %s: %s\n' "$1" "$2"
}

# check SENTENCE COMMAND...: ok if the command succeeds; if it fails, its output is shown.
check() {
  local sentence=$1 output
  shift
  if output=$("$@" 2>&1); then
    report_ok "$sentence"
  else
    report_not_ok "$sentence" "${output:-$* failed without output}"
  fi
}

# check_equal SENTENCE EXPECTED COMMAND...: ok if the command prints exactly EXPECTED.
check_equal() {
  local sentence=$1 expected=$2 output
  shift 2
  output=$("$@" 2>&1) || true
  if [[ $output == "$expected" ]]; then
    report_ok "$sentence"
  else
    report_not_ok "$sentence" "expected: $expected"$'\n'"seen:     $output"
  fi
}

# check_between SENTENCE LOW HIGH FIGURE: ok if LOW <= FIGURE <= HIGH (decimals). The figure is shown
# in either case.
check_between() {
  local sentence=$1 low=$2 high=$3 figure=$4
  if awk -v low="$low" -v high="$high" -v figure="$figure" \
    'BEGIN { exit !(figure ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ && figure + 0 >= low + 0 && figure + 0 <= high + 0) }'; then
    report_ok "$sentence ($figure, allowed $low to $high)"
  else
    report_not_ok "$sentence" "expected $low to $high, seen: ${figure:-nothing}"
  fi
}

# The kernel's processor times. report_test.sh points this at a file of its own.
REPORT_STAT=/proc/stat
REPORT_PAUSE_S=10 # between two turns of check_rate

# report_ticks: "ALL STOLEN" ticks of all processors since boot; stolen (proc(5), steal) is what the
# host gave to other machines.
report_ticks() {
  awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print all, $9 }' "$REPORT_STAT"
}

# report_stolen TICKS: percent of the ticks since TICKS that were stolen.
report_stolen() {
  awk -v before="$1" -v now="$(report_ticks)" 'BEGIN {
    split(before, b); split(now, n); all = n[1] - b[1]
    printf("%.1f", (all > 0 ? (n[2] - b[2]) * 100 / all : 0)) }'
}

# check_rate SENTENCE LOW HIGH COMMAND...: check_between for the figure that the command prints. A
# shared machine can be too slow for a while, but never too fast: a figure below LOW is measured
# again, up to three times in all. If it stays below LOW and more than 5 % of the processor time was
# stolen meanwhile, the check is skipped.
check_rate() {
  local sentence=$1 low=$2 high=$3 figure before stolen turn
  shift 3
  before=$(report_ticks)
  for turn in 1 2 3; do
    figure=$("$@") || figure=
    if awk -v low="$low" -v x="$figure" 'BEGIN { exit !(x == "" || x + 0 >= low + 0) }'; then break; fi
    printf '# %s: %s in turn %s, at least %s was expected\n' "$sentence" "$figure" "$turn" "$low"
    if [[ $turn -lt 3 ]]; then sleep "$REPORT_PAUSE_S"; fi
  done
  stolen=$(report_stolen "$before")
  if awk -v low="$low" -v x="$figure" -v stolen="$stolen" \
    'BEGIN { exit !(x != "" && x + 0 < low + 0 && stolen + 0 > 5) }'; then
    report_skip "$sentence" "$figure, but $stolen % of the processor time was stolen by other machines"
  else
    check_between "$sentence" "$low" "$high" "$figure"
  fi
}

# The last command of a test: its status is the test's. A test without any check fails.
report_end() {
  printf '%d passed, %d failed, %d skipped\n' "$report_passed" "$report_failed" "$report_skipped"
  [[ $report_failed -eq 0 && $((report_passed + report_skipped)) -gt 0 ]]
}
