#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A hundred random changes of a service's backends under load, with the command: add, drain, remove,
# set weight, set state up, settle. The load is 500 long-lived connections that carry data
# throughout and up to RATE short ones per second: no connection is reset, times out or moves to
# another server.
#   churn_test.sh [MODE...]   all modes by default
#   CHANGES (100)   RATE  short connections per second (2000)   LONG (500)   SEED  of the changes (1)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

changes=${CHANGES:-100} rate=${RATE:-2000} long=${LONG:-500}
RANDOM=${SEED:-1}
modes=("$@")
[[ $# -gt 0 ]] || modes=(ipip gue l2 nat snat)
# A flow that is idle for so long is purged; the long-lived connections send five times per second.
idle_s=2
# Backends that are added and removed: a second address of each server. The backends at the first
# addresses stay and keep the long-lived connections.
guests=(198.51.100.21 198.51.100.22 198.51.100.23)
declare -A guest_state=()
steady= # the client's pid

overs() { grep -cx over "$LAB_DIR/steady.json"; }

# Waits until every connection that a drained guest may have has ended. The client reports that;
# silence would be no proof, because a connection that lost a packet is silent, too.
until_over() {
  local before
  before=$(overs || true)
  kill -USR1 "$steady"
  lab_until 10 "the connections of $1 to end" has_more_overs "$before"
}
has_more_overs() { (($(overs) > $1)); }

# The next step of a guest: add, drain, and remove after the end of its connections.
change_guest() {
  local guest=$1
  case ${guest_state[$guest]-} in
    '') lab_sluice backend add churn "$guest:80" --weight $((RANDOM % 300 + 1))
      guest_state[$guest]=up ;;
    up) lab_sluice backend drain churn "$guest:80"
      guest_state[$guest]=draining ;;
    draining)
      until_over "$guest" || return 1
      lab_sluice backend remove churn "$guest:80"
      guest_state[$guest]='' ;;
  esac
}

# Server 1 is never drained: one backend is always up.
change_something() {
  local server=${LAB_SERVERS_V4[RANDOM % 3 + 1]} other=${LAB_SERVERS_V4[RANDOM % 2 + 2]}
  case $((RANDOM % 10)) in
    0 | 1) lab_sluice backend set churn "$server:80" --weight $((RANDOM % 300 + 1)) ;;
    2) lab_sluice backend drain churn "$other:80" ;;
    3 | 4) lab_sluice backend set churn "$other:80" --state up ;;
    5) lab_sluice service settle churn ;;
    *) change_guest "${guests[RANDOM % 3]}" ;;
  esac
}

# Prepares the servers for a mode. In the lab's topology the director is their router already.
prepare_servers() {
  local mode=$1 index
  for index in 1 2 3; do
    lab_address "server$index" net0 "${guests[index - 1]}/24"
    case $mode in
      ipip | gue) lab_sluice_on "server$index" attach decap net0 ;;
    esac
  done
  case $mode in
    ipip | gue | l2) lab_vip "$LAB_VIP_V4" server1 server2 server3 ;;
  esac
}

churn() {
  local mode=$1 done=0 index file=$LAB_DIR/steady.json
  guest_state=()
  lab_topology
  for index in 1 2 3; do lab_nginx "server$index" "$index" 80; done
  prepare_servers "$mode" 2>/dev/null
  lab_sluice attach steer clients0 2>/dev/null
  lab_sluice attach steer servers0 2>/dev/null
  lab_sluice service add churn "$LAB_VIP_V4:80/tcp" --mode "$mode" --idle-timeout ${idle_s}s 2>/dev/null
  for index in 1 2 3; do
    lab_sluice backend add churn "${LAB_SERVERS_V4[index]}:80" 2>/dev/null
  done
  lab_until 5 "an answer of the service" in_ns client curl -sf --max-time 1 "http://$LAB_VIP_V4/"

  lab_spawn client "$LAB_BUILD/tests/steady" "$LAB_VIP_V4" 80 300 "$long" "$rate" >"$file"
  steady=$LAB_PID
  # All long-lived connections are established before the first guest is added: removing a guest
  # would break the connections that it has.
  lab_until 10 "an answer to every long-lived connection" grep -qx ready "$file"
  local before=${EPOCHREALTIME/./}
  while ((done < changes)); do
    change_something >>"$LAB_DIR/changes" 2>&1 || lab_fail "$mode: $(tail -n 1 "$LAB_DIR/changes")"
    done=$((done + 1))
  done
  local seconds=$(((${EPOCHREALTIME/./} - before) / 1000000))
  local settled moved
  settled=$(grep -c 'settled [1-9]' "$LAB_DIR/changes" || true)
  moved=$(lab_sluice service show churn --json | jq .moving_slots)
  lab_stop "$steady"
  sed -i '/^{/!d' "$file"

  check_equal "$mode: $long long-lived connections were opened" "$long" jq .long.opened "$file"
  check_equal "$mode: no long-lived connection was reset, timed out, was cut off or moved to another server" \
    '0,0,0,0' jq -r '.long | "\(.reset),\(.timed_out),\(.cut_off),\(.moved)"' "$file"
  # shellcheck disable=SC2016 # jq's variable
  check_equal "$mode: long-lived connections were answered until the end" true \
    jq --argjson long "$long" '.long.answers > 2 * $long' "$file"
  check_equal "$mode: no short connection was reset, timed out or cut off" '0,0,0' \
    jq -r '.short | "\(.reset),\(.timed_out),\(.cut_off)"' "$file"
  check_equal "$mode: short connections were answered" true jq '.short.answers > 100' "$file"
  printf '# %s: %s changes in %s s, %s sweeps settled slots, %s slots still move: %s\n' \
    "$mode" "$changes" "$seconds" "$settled" "$moved" "$(<"$file")"
}

printf 'churn_test: %s changes, seed %s\n' "$changes" "${SEED:-1}"
for mode in "${modes[@]}"; do
  lab_begin churn
  churn "$mode"
  lab_end
done
report_end
