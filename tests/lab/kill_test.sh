#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# sluice killed with SIGKILL at random moments of random commands, under traffic: the next command
# reads a complete state and completes the interrupted change, and no request fails.
#   KILLS  number of kills (200)      SEED  of the random choices (1), printed at the start
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

kills=${KILLS:-200}
RANDOM=${SEED:-1}
printf 'kill_test: %s kills, seed %s\n' "$kills" "${SEED:-1}"

lab_begin kill
lab_topology
for index in 1 2 3; do lab_nginx "server$index" "$index" 80; done
lab_vip "$LAB_VIP_V4" server1 server2 server3
lab_vip "$LAB_VIP_V6" server1 server2 server3
lab_sluice attach steer clients0 2>/dev/null
lab_sluice attach steer servers0 2>/dev/null
lab_sluice service add web "$LAB_VIP_V4:80/tcp" 2>/dev/null
lab_sluice service add tunnel "[$LAB_VIP_V6]:80/tcp" --mode ipip 2>/dev/null
for index in 1 2 3; do
  lab_sluice_on "server$index" attach decap net0 2>/dev/null
  lab_sluice backend add web "${LAB_SERVERS_V4[index]}:80" 2>/dev/null
  lab_sluice backend add tunnel "${LAB_SERVERS_V4[index]}:80" 2>/dev/null
done

# Server 1 stays up. The commands change servers 2 and 3, which are drained but never removed, a
# service without traffic, policies, and attachments.
random_command() {
  local service=web backend=${LAB_SERVERS_V4[RANDOM % 2 + 2]}:80
  if ((RANDOM % 2)); then service=tunnel; fi
  case $((RANDOM % 12)) in
    0 | 1) echo "backend drain $service $backend" ;;
    2 | 3) echo "backend set $service $backend --state up" ;;
    4 | 5) echo "backend set $service $backend --weight $((RANDOM % 300 + 1))" ;;
    6) echo "service add spare 203.0.113.99:80/tcp" ;;
    7) echo "backend add spare ${LAB_SERVERS_V4[1]}:80 --weight $((RANDOM % 9 + 1))" ;;
    8) echo "backend remove spare ${LAB_SERVERS_V4[1]}:80" ;;
    9) echo "service remove spare" ;;
    10) echo "policy set spare --window $((RANDOM % 900 + 100))kib" ;;
    11) echo "attach steer clients0" ;;
  esac
}

# Duration of an undisturbed command: the kills are spread over it, and a little beyond.
before=${EPOCHREALTIME/./}
for _ in 1 2 3 4 5; do lab_sluice backend set web "${LAB_SERVERS_V4[2]}:80" --weight $((RANDOM % 300 + 1)) 2>/dev/null; done
typical_us=$(((${EPOCHREALTIME/./} - before) / 5))

seconds=$((kills * (typical_us * 12 + 100000) / 1000000 + 8))
lab_wrk_start client web "http://$LAB_VIP_V4/" "$seconds" 4 close
lab_wrk_start client web-kept "http://$LAB_VIP_V4/" "$seconds" 4
lab_wrk_start client tunnel "http://[$LAB_VIP_V6]/" "$seconds" 4 close
lab_wrk_start client tunnel-kept "http://[$LAB_VIP_V6]/" "$seconds" 4

died=0 tries=0 unreadable=0 unfinished=0 last=
pending() {
  bpftool -j map lookup pinned "$LAB_BPFFS/$LAB_INSTANCE/instance" key 0 0 0 0 |
    jq '.formatted.value.pending'
}
# A command that ended before its kill does not count.
while ((died < kills && tries < 5 * kills)); do
  tries=$((tries + 1))
  read -r -a command < <(random_command)
  nsenter --net="/run/netns/$LAB_PREFIX-director" -- \
    "$LAB_BUILD/sluice" --instance "$LAB_INSTANCE" "${command[@]}" >/dev/null 2>&1 200>&- &
  victim=$!
  delay_us=$((RANDOM * RANDOM % typical_us))
  sleep "$(printf '0.%06d' "$delay_us")"
  kill -KILL "$victim" 2>/dev/null || true
  status=0
  wait "$victim" 2>/dev/null || status=$?
  if [[ $status -eq 137 ]]; then died=$((died + 1)); fi
  # The next command reads the state ...
  if ! last=$(lab_sluice status --json 2>&1 >/dev/null); then
    unreadable=$((unreadable + 1))
    printf 'kill_test: after %s: %s\n' "${command[*]}" "$last" >&2
  fi
  # ... and the next command that changes something completes it.
  if ! lab_sluice backend set web "${LAB_SERVERS_V4[1]}:80" --weight $((RANDOM % 300 + 1)) 2>/dev/null ||
    [[ $(pending) != 0 ]]; then
    unfinished=$((unfinished + 1))
  fi
done

check_equal "$kills of $tries commands were killed before their end" "$kills" echo "$died"
check_equal "every state was readable" 0 echo "$unreadable"
check_equal "the next command completed every state" 0 echo "$unfinished"
for run in web web-kept tunnel tunnel-kept; do
  lab_wrk_wait "$run"
  check_between "requests served, $run" 100 1e99 "$(jq .requests "$LAB_DIR/$run.json")"
  check_equal "no request failed, $run" 0 jq .failed "$LAB_DIR/$run.json"
done
check "the instance can be removed" lab_sluice instance remove
report_end
