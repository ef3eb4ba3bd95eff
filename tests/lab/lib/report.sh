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

# Of all processors together since the start, in ticks: all, and what other machines on the same host
# had of it (proc(5), steal).
report_ticks() { awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print all, $9 }' /proc/stat; }

# report_stolen TICKS: since then, in percent.
report_stolen() {
  awk -v before="$1" -v now="$(report_ticks)" 'BEGIN {
    split(before, b); split(now, n); all = n[1] - b[1]
    printf "%.1f", all > 0 ? (n[2] - b[2]) * 100 / all : 0 }'
}

# check_rate SENTENCE LOW HIGH COMMAND...: as check_between, of what the command prints. A machine
# that others use, too, is too slow for a while, but never too fast: so it is measured up to three
# times, and if its host had processors busy elsewhere all the while, nothing can be said.
check_rate() {
  local sentence=$1 low=$2 high=$3 figure before stolen turn
  shift 3
  before=$(report_ticks)
  for turn in 1 2 3; do
    figure=$("$@") || figure=
    if awk -v low="$low" -v x="$figure" 'BEGIN { exit !(x == "" || x + 0 >= low + 0) }'; then break; fi
    printf '# %s: %s in turn %s, at least %s was expected\n' "$sentence" "$figure" "$turn" "$low"
    if [[ $turn -lt 3 ]]; then sleep 10; fi
  done
  stolen=$(report_stolen "$before")
  if awk -v low="$low" -v x="$figure" -v stolen="$stolen" \
    'BEGIN { exit !(x != "" && x + 0 < low + 0 && stolen + 0 > 5) }'; then
    report_skip "$sentence" "$figure, but $stolen % of the processors' time went to other machines"
  else
    check_between "$sentence" "$low" "$high" "$figure"
  fi
}

# Last line of a test; its status is the test's. A run that checked nothing has not passed.
report_end() {
  printf '%d passed, %d failed, %d skipped\n' "$report_passed" "$report_failed" "$report_skipped"
  [[ $report_failed -eq 0 && $((report_passed + report_skipped)) -gt 0 ]]
}
