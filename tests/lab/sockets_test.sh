#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Rates on a device without fq: local TCP sockets pace themselves under any congestion control, so
# that none of their packets is dropped; traffic without such a socket (UDP) is policed. The upper
# bounds are tight; a busy machine may be slower.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/paced.sh
. "$here/lib/paced.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

policed() {
  lab_sluice_on director service show "$1" --json |
    jq '[.verdicts[] | select(.verdict == "policed") | .packets] | add // 0'
}

shows_socket_pacing() {
  lab_sluice policy show bulk --json | jq -e '.enforced | any(.mechanism == "socket pacing")'
}

# on_the_wire ADDRESS PORT OPTION...: rate of the server's frames in Mbit/s.
on_the_wire() {
  local address=$1 port=$2
  shift 2
  lab_bulk_start client rate 3 -c "$address" -p "$port" -R "$@"
  sleep 1
  lab_wire_mbit client net0 1.5
  lab_bulk_wait rate
}
retransmits() { jq '.end.sum_sent.retransmits // 0' "$LAB_DIR/rate.json"; }

# rate_after_change: Mbit/s of a running connection, after a change of its policy from 20 to 40
# mbit.
rate_after_change() {
  paced_sluice policy set bulk --flow-rate 20mbit
  lab_bulk_start client change 4 -c 10.9.0.1 -p 5201 -R -C cubic
  sleep 1
  paced_sluice policy set bulk --flow-rate 40mbit
  sleep 0.3
  lab_wire_mbit client net0 1.5
  lab_bulk_wait change
}

paced_begin sockets
paced_sluice service add datagrams 10.9.0.1:5202/udp
lab_iperf3_server director 5201
lab_iperf3_server director 5202
lab_until 5 "the client to reach the server" in_ns client ping -c 1 -W 1 2001:db8:9::1
paced_attach
paced_sluice policy set bulk --flow-rate 20mbit
paced_sluice policy set bulk6 --flow-rate 50mbit
paced_sluice policy set datagrams --flow-rate 20mbit
check "policy show names socket pacing" shows_socket_pacing

check_rate "20 mbit by the sockets of cubic, IPv4" 14 20.6 on_the_wire 10.9.0.1 5201 -C cubic
check_equal "... no packet was dropped" 0 policed bulk
check_equal "... no retransmission" 0 retransmits
check_rate "50 mbit by the sockets of reno, IPv6" 35 51.5 on_the_wire 2001:db8:9::1 5201 -C reno
check_equal "... no packet was dropped" 0 policed bulk6

check_rate "a running connection follows a changed policy, to 40 mbit" 28 41.2 rate_after_change
check_rate "20 of 60 mbit of UDP pass" 14 21 \
  on_the_wire 10.9.0.1 5202 -u -b 60M
check "... the rest is dropped and counted" test "$(policed datagrams)" -gt 100
lab_end
report_end
