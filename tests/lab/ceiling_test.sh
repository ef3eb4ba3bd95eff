#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The receive-window ceiling in steer: a sender without sluice keeps to the policy limit per round
# trip, without retransmissions, wrong checksums or stalls. tools/ceiling measures the whole matrix.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/ceiling.sh
. "$here/lib/ceiling.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

lab_begin ceiling
ceiling_lab

error_percent() {
  ceiling_case "$@" >"$LAB_DIR/case.json"
  jq .error_percent "$LAB_DIR/case.json"
}
measure() {
  local sentence=$1
  shift
  check_rate "$sentence: deviation from the policy limit per RTT, in percent" -5 5 error_percent "$@"
  check_equal "... no retransmission" 0 jq .retransmits "$LAB_DIR/case.json"
  check_equal "... no wrong checksum" 0 jq .checksum_errors "$LAB_DIR/case.json"
}
ceiling_link 200mbit 40
ceiling_offload off
measure "a rate of 25 mbit, 40 ms away, IPv4" v4 rate 25 4
ceiling_offload on
measure "a window of 25 mbit * 40 ms, IPv6, with checksum offload" v6 window 25 4

check "service show counts lowered windows of flows whose replies bypass the director" bash -c "
  '$LAB_BUILD/sluice' --instance $LAB_INSTANCE service show $CEILING_SERVICE --json |
    jq -e '.flow_totals | .begun > 0 and .windows_lowered > 100'"
check_equal "no packet was punted to pace" 0 bash -c "
  '$LAB_BUILD/sluice' --instance $LAB_INSTANCE service show $CEILING_SERVICE --json |
    jq '[.verdicts[] | select(.verdict == \"punted_to_pace\") | .packets] | add // 0'"

# The smallest window: one segment. Every byte arrives, in spite of the client's delayed
# acknowledgements.
lab_sluice policy set $CEILING_SERVICE --window-rate none --window 1460 2>/dev/null
line=$(in_ns far iperf3 --json -c "$LAB_VIP_V4" -p 5201 -R -C cubic -n 100k)
check "100 KiB arrive through a window of one segment" jq -e \
  '.end.sum_received.bytes >= 102400' <<<"$line"
check_equal "... without retransmission" 0 jq .end.sum_sent.retransmits <<<"$line"

# A client that reads nothing for a while closes its window; its window update must pass the
# ceiling.
lab_spawn server1 socat TCP-LISTEN:5300,fork,reuseaddr "SYSTEM:head -c 20000000 /dev/zero"
lab_until 5 "socat on port 5300 in server1" lab_listens server1 5300
lab_sluice service add slow "$LAB_VIP_V4:5300/tcp" --mode ipip 2>/dev/null
lab_sluice backend add slow "${LAB_SERVERS_V4[1]}:5300" 2>/dev/null
lab_sluice policy set slow --window 64kib 2>/dev/null
# The client reads nothing until the server has probed the closed window (RFC 9293, 3.8.6.1).
lab_spawn far bash -c "exec 3<>/dev/tcp/$LAB_VIP_V4/5300
  until [[ -e $LAB_DIR/go ]]; do sleep 0.05; done
  wc -c <&3" >"$LAB_DIR/read"
probed() { [[ $(in_ns server1 nstat -asz TcpExtTCPWinProbe | awk '/WinProbe/ { print $2 }') -gt 0 ]]; }
lab_until 60 "the server to probe a closed window" probed || true
touch "$LAB_DIR/go"
lab_until 60 "all bytes to arrive" test -s "$LAB_DIR/read" || true
check_equal "a client behind a ceiling that reads nothing until its window was probed gets all bytes" \
  20000000 cat "$LAB_DIR/read"
report_end
