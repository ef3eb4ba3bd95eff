# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What a lab test says: one line a check, and at the end "N passed, N failed, N skipped" alone on a
# line, which is what tools/check adds up. Sourced; no neighbours.

report_passed=0
report_failed=0
report_skipped=0

# report_ok SENTENCE
report_ok() {
  report_passed=$((report_passed + 1))
  printf 'ok - %s\n' "$1"
}

# report_not_ok SENTENCE [WHAT WAS SEEN]
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

# check SENTENCE COMMAND...: ok when the command succeeds; its output is shown when it does not.
check() {
  local sentence=$1 output
  shift
  if output=$("$@" 2>&1); then
    report_ok "$sentence"
  else
    report_not_ok "$sentence" "${output:-$* failed without a word}"
  fi
}

# check_equal SENTENCE EXPECTED COMMAND...: ok when the command prints exactly this.
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

# check_between SENTENCE LOW HIGH FIGURE: ok when LOW <= FIGURE <= HIGH; decimals are welcome, and
# the figure is shown either way, since a lab figure is worth reading when it is good too.
check_between() {
  local sentence=$1 low=$2 high=$3 figure=$4
  if awk -v low="$low" -v high="$high" -v figure="$figure" \
    'BEGIN { exit !(figure ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ && figure + 0 >= low + 0 && figure + 0 <= high + 0) }'; then
    report_ok "$sentence ($figure, allowed $low to $high)"
  else
    report_not_ok "$sentence" "expected $low to $high, seen: ${figure:-nothing}"
  fi
}

# Last line of a test; its status is the test's. A run that checked nothing has not passed.
report_end() {
  printf '%d passed, %d failed, %d skipped\n' "$report_passed" "$report_failed" "$report_skipped"
  [[ $report_failed -eq 0 && $((report_passed + report_skipped)) -gt 0 ]]
}
