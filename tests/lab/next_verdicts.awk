# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes include/sluice/verdict.h of a next version, for tests/lab/upgrade_test.sh: two verdicts are
# appended to the list, and what steer counts as reply_translated and punted_to_pace is counted under
# the new ones, so that the counters of new numbers are used. The old names keep their numbers.
/^#define SLUICE_VERDICTS\(X\)/ { inside = 1 }
inside && /X\([0-9]+, (REPLY_TRANSLATED|PUNTED_TO_PACE), / { sub(/REPLY_TRANSLATED/, "FORMER_REPLY"); sub(/PUNTED_TO_PACE/, "FORMER_PUNT") }
inside && match($0, /X\([0-9]+,/) { last = substr($0, RSTART + 2, RLENGTH - 3) + 0 }
inside && !/\\$/ {
  # The end of the list.
  inside = 0
  print $0 " \\"
  printf "\tX(%d, REPLY_TRANSLATED, next_reply_translated, FORWARD, \"a reply, in the next version\") \\\n", last + 1
  printf "\tX(%d, PUNTED_TO_PACE, next_punted_to_pace, PUNT, \"a punted packet, in the next version\")\n", last + 2
  next
}
{ print }
