#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Rates on a device without fq: local TCP sockets pace themselves, whatever congestion control they
# have, so that nothing of theirs is dropped; what has no such socket (UDP) is policed. Never faster
# than that; a busy machine may be slower.
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

# on_the_wire ADDRESS PORT OPTION...: mbit of frames of what the server sends.
on_the_wire() {
  local address=$1 port=$2
  shift 2
  lab_bulk_start client rate 3 -c "$address" -p "$port" -R "$@"
  sleep 1
  lab_wire_mbit client net0 1.5
  lab_bulk_wait rate
}
sent_twice() { jq '.end.sum_sent.retransmits // 0' "$LAB_DIR/rate.json"; }

# followed MBIT: of a connection that sends, after the policy became another.
followed() {
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
check "policy show says that sockets keep it" shows_socket_pacing

check_rate "20 mbit by the sockets of cubic, IPv4" 14 20.6 on_the_wire 10.9.0.1 5201 -C cubic
check_equal "... nothing of it was dropped" 0 policed bulk
check_equal "... or sent twice" 0 sent_twice
check_rate "50 mbit by the sockets of reno, IPv6" 35 51.5 on_the_wire 2001:db8:9::1 5201 -C reno
check_equal "... nothing of it was dropped" 0 policed bulk6

check_rate "a connection that sends follows its policy, to 40 mbit" 28 41.2 followed
check_rate "20 mbit of 60 are let through where no socket of TCP sends" 14 21 \
  on_the_wire 10.9.0.1 5202 -u -b 60M
check "... the rest is dropped, and counted" test "$(policed datagrams)" -gt 100
lab_end
report_end
