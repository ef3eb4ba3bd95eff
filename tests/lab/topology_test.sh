#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The lab itself, without sluice: all hosts reach each other, the emulated link has the configured
# round trip and rate, and a run leaves nothing behind, however it ends. Needs root and
# build/tools/linkem.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

readonly victim=topologyvictim

# --victim FILE: the run that a signal ends: it sets up everything, writes its processes to FILE,
# and waits.
if [[ ${1-} == --victim ]]; then
  lab_begin "$victim"
  lab_topology
  lab_nginx server1 1 80
  lab_far 10mbit 10ms
  mkdir -p "$LAB_BPFFS/$LAB_INSTANCE"
  echo "${LAB_PIDS[*]}" >"$2.new"
  mv "$2.new" "$2"
  lab_until 120 "the signal" false
fi
if [[ ${1-} == --begin ]]; then
  lab_begin "$2"
  exit 0
fi

get() { in_ns "$1" curl -sS --max-time 5 "http://$2/"; }

connect_ms() {
  local name=$1 address=$2
  for _ in 1 2 3 4 5; do
    in_ns "$name" curl -sS -o /dev/null --max-time 5 -w '%{time_connect}\n' "http://$address/"
  done | awk 'NR == 1 || $1 < least { least = $1 } END { printf "%.2f", least * 1000 }'
}

# victim_ends SIGNAL: starts the victim and ends it with SIGNAL. env: bash starts background jobs
# with SIGINT ignored.
victim_ends() {
  local signal=$1 file=$LAB_DIR/victim pid
  rm -f "$file"
  env --default-signal=INT "$0" --victim "$file" 200>&- 2>"$LAB_DIR/victim.log" &
  pid=$!
  LAB_PIDS+=("$pid")
  if ! lab_until 60 "the victim to be up" test -e "$file"; then
    cat "$LAB_DIR/victim.log" >&2
    return 1
  fi
  kill "-$signal" "$pid"
  wait "$pid" 2>/dev/null || true
}

# nothing_left_of_victim: no namespace, file, pinned object or process. A zombie that init has not
# yet reaped does not count: its /proc/PID/exe is gone.
nothing_left_of_victim() {
  local pid left=0
  for pid in $(<"$LAB_DIR/victim"); do
    if readlink "/proc/$pid/exe"; then echo "process $pid still runs" && left=1; fi
  done
  if ip netns list | grep -w "sluice-$victim"; then left=1; fi
  if ls -d "$LAB_RUN/$victim"* "$LAB_BPFFS/sluice-$victim" 2>/dev/null; then left=1; fi
  return "$left"
}

refuses() {
  local status=$1 got=0
  shift
  "$@" || got=$?
  [[ $got -eq $status ]] || { echo "exit status $got, expected $status"; return 1; }
}

lab_begin topologytest
lab_topology
for index in 1 2 3; do lab_nginx "server$index" "$index" 80 8080; done

for index in 1 2 3; do
  check_equal "the client reaches server$index over IPv4" "server$index" \
    get client "${LAB_SERVERS_V4[index]}"
  check_equal "the client reaches server$index over IPv6" "server$index" \
    get client "[${LAB_SERVERS_V6[index]}]:8080"
done
check_equal "a server reaches another over the switch" server3 get server1 "${LAB_SERVERS_V4[3]}"
check_equal "the director reaches a server" server2 get director "[${LAB_SERVERS_V6[2]}]"

lab_vip "$LAB_VIP_V4" server2
lab_vip "$LAB_VIP_V6" server2
lab_ip director route add "$LAB_VIP_V4" via "${LAB_SERVERS_V4[2]}"
lab_ip director -6 route add "$LAB_VIP_V6" via "${LAB_SERVERS_V6[2]}"
check_equal "a server answers for a service's IPv4 address on lo" server2 get client "$LAB_VIP_V4"
check_equal "a server answers for a service's IPv6 address on lo" server2 get client "[$LAB_VIP_V6]"

lab_far 100mbit 40ms
check_between "the far client's round trip is 40 ms over IPv4" 40 42 \
  "$(connect_ms far "${LAB_SERVERS_V4[1]}")"
check_between "the far client's round trip is 40 ms over IPv6" 40 42 \
  "$(connect_ms far "[${LAB_SERVERS_V6[1]}]")"
lab_far_down
check_equal "the emulated link loses no packet without configured loss" 0 \
  jq '[.left_to_right, .right_to_left | .dropped_full, .dropped_random, .device_drops, .refused] | add' \
  "$(lab_link_report)"

# A packet of 1500 bytes carries 1448 of payload, so the ceiling is 96.53 Mbit/s; 3 % below it.
bulk_mbit() {
  lab_far 100mbit 20ms
  lab_iperf3_mbit far -R -C cubic -c "${LAB_SERVERS_V4[1]}" -t 4 -O 2
  lab_far_down
}
lab_iperf3_server server1
check_rate "a bulk flow reaches the emulated link's 100 Mbit/s" 93.64 96.8 bulk_mbit
check_between "its maximum queueing delay is at most the buffer of one round trip, in ms" 1 20 \
  "$(jq .right_to_left.queue_delay_ms.max "$(lab_link_report)")"

linkem=$LAB_BUILD/tools/linkem
left=(--left-netns "$(lab_ns client)" --left-name t0)
ends=("${left[@]}" --right-netns "$(lab_ns switch)" --right-name t0)
check "linkem refuses a rate that is no number" refuses 2 "$linkem" "${ends[@]}" --rate fast
check "linkem refuses a delay without a unit" refuses 2 "$linkem" "${ends[@]}" --delay 20
check "linkem refuses a buffer without a rate" refuses 2 "$linkem" "${ends[@]}" --buffer 1mib
check "linkem refuses a namespace that does not exist" refuses 1 "$linkem" "${left[@]}" \
  --right-netns nowhere --right-name t0
check "linkem does not take over a device that exists" refuses 1 "$linkem" "${left[@]}" \
  --right-netns "$(lab_ns switch)" --right-name segment

check "a second run of the same name is refused" refuses 1 "$0" --begin topologytest
for signal in INT TERM HUP; do
  victim_ends "$signal"
  check "a run that gets SIG$signal leaves nothing behind" nothing_left_of_victim
done
victim_ends KILL
check "a run that gets SIGKILL leaves something behind" refuses 1 nothing_left_of_victim
check "the next run with the same name removes it" "$0" --begin "$victim"
check "after that nothing is left" nothing_left_of_victim

nothing_left() { ! ls -d /run/netns/"$LAB_PREFIX"-* "$LAB_DIR" "$LAB_RUN/$LAB_PREFIX.lock" 2>/dev/null; }
check "before lab_end this run has namespaces and files" refuses 1 nothing_left
lab_end
check "after lab_end nothing of this run is left" nothing_left
report_end
