#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tests report.sh: each case runs checks in a subshell with a stat file in place of /proc/stat, and
# compares the verdict and the last line. Needs no root; tools/check runs it with the lint.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/report.sh
. "$here/report.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# stat_file USER STEAL: ticks of all processors; idle stays 1000.
stat_file() { printf 'cpu  %s 0 0 1000 0 0 0 %s 0 0\ncpu0 9 9 9 9 9 9 9 9 0 0\n' "$1" "$2" >"$work/stat"; }

# rate_of FIGURE USER STEAL: a measurement; at its end the stat file shows these ticks.
rate_of() {
  echo turn >>"$work/turns"
  stat_file "$2" "$3"
  echo "$1"
}

# inside COMMAND...: what report.sh prints for the command; the counts of this test are not touched.
inside() {
  (
    # shellcheck disable=SC2034 # read by report.sh
    report_passed=0 report_failed=0 report_skipped=0 REPORT_STAT=$work/stat REPORT_PAUSE_S=0
    "$@"
    report_end
  ) || true
}
# verdict COMMAND...: ok, not ok or skip, and how often rate_of measured.
verdict() {
  : >"$work/turns"
  stat_file 0 0
  inside "$@" | sed -nE 's/^(ok|not ok|skip) - .*/\1/p'
  echo "turns: $(wc -l <"$work/turns")"
}
stolen_after() { # USER STEAL, from 100 ticks of user time on
  stat_file 100 0
  (
    REPORT_STAT=$work/stat
    before=$(report_ticks)
    stat_file "$@"
    report_stolen "$before"
  )
}
status_of() {
  local status=0
  ("$@") >/dev/null 2>&1 || status=$?
  echo "$status"
}
leftovers() { (cd "$work" && rm -f stat turns && ls); }

check_equal "20 of 200 ticks stolen are 10 %" 10.0 stolen_after 280 20
check_equal "no tick stolen is 0 %" 0.0 stolen_after 300 0
check_equal "no tick at all is 0 %" 0.0 stolen_after 100 0
check_equal "a rate within bounds passes at the first turn" $'ok\nturns: 1' \
  verdict check_rate rate 10 20 rate_of 15 100 0
check_equal "a rate above the bound fails at the first turn, however much is stolen" $'not ok\nturns: 1' \
  verdict check_rate rate 10 20 rate_of 25 100 900
check_equal "a rate below the bound is measured three times, and fails if nothing was stolen" \
  $'not ok\nturns: 3' verdict check_rate rate 10 20 rate_of 5 100 0
check_equal "a rate below the bound fails if 5 % was stolen" $'not ok\nturns: 3' \
  verdict check_rate rate 10 20 rate_of 5 95 5
check_equal "a rate below the bound is skipped if 6 % was stolen" $'skip\nturns: 3' \
  verdict check_rate rate 10 20 rate_of 5 94 6
check_equal "a measurement without a figure fails at the first turn" $'not ok\nturns: 1' \
  verdict check_rate rate 10 20 rate_of '' 0 100
check_equal "a figure that is no number fails" $'not ok\nturns: 0' verdict check_between figure 1 2 fast
check_equal "the output of a command that failed is shown" \
  $'not ok - listing\n#   no such thing\n0 passed, 1 failed, 0 skipped' \
  inside check listing bash -c 'echo no such thing; false'
check_equal "a test without a check fails" 1 status_of env -i bash -c ". '$here/report.sh'; report_end"
check_equal "a test whose checks are all skipped passes" 0 status_of env -i bash -c \
  ". '$here/report.sh'; report_skip this that; report_end"
(cd "$work" && REPORT_STAT=/proc/stat report_stolen "0 0" >/dev/null)
check_equal "no file is written to the current folder" "" leftovers
report_end
