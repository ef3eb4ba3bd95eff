# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# sluice and traffic in the lab: the command on a host, load with figures as JSON, rates on the
# wire. Uses topology.sh.

# lab_sluice ARGUMENT...: on the director; lab_sluice_on NAME ARGUMENT...: on another host.
lab_sluice() { lab_sluice_on director "$@"; }
lab_sluice_on() {
  local name=$1
  shift
  in_ns "$name" "$LAB_BUILD/sluice" --instance "$LAB_INSTANCE" "$@"
}

# lab_wrk_start NAME RUN URL SECONDS CONNECTIONS [close]: load in the background; with `close` one
# connection per request. lab_wrk_wait RUN writes the figures to LAB_DIR/RUN.json.
declare -A LAB_WRK_PIDS=()
lab_wrk_start() {
  local name=$1 run=$2 url=$3 seconds=$4 connections=$5 header=()
  if [[ ${6-} == close ]]; then header=(-H "Connection: close"); fi
  lab_spawn "$name" wrk -t 1 -c "$connections" -d "${seconds}s" --timeout 5s \
    -s "$LAB_ROOT/tests/lab/lib/answers.lua" "${header[@]}" "$url" >"$LAB_DIR/$run.out" 2>&1
  LAB_WRK_PIDS[$run]=$LAB_PID
}

lab_wrk_wait() {
  local run=$1 pid kept=()
  wait "${LAB_WRK_PIDS[$run]}" || lab_fail "wrk $run failed: $(cat "$LAB_DIR/$run.out")"
  for pid in "${LAB_PIDS[@]}"; do [[ $pid == "${LAB_WRK_PIDS[$run]}" ]] || kept+=("$pid"); done
  LAB_PIDS=("${kept[@]}")
  grep '^{' "$LAB_DIR/$run.out" >"$LAB_DIR/$run.json" ||
    lab_fail "wrk $run printed no figures: $(cat "$LAB_DIR/$run.out")"
}

lab_wrk() {
  lab_wrk_start "$@"
  lab_wrk_wait "$2"
}

# lab_received NAME DEV: "MICROSECONDS BYTES" that the device has received, without Ethernet
# headers.
lab_received() {
  local name=$1 dev=$2
  lab_ip "$name" -s -j link show "$dev" |
    jq -r --arg now "${EPOCHREALTIME/./}" '.[0].stats64.rx | "\($now) \(.bytes - 14 * .packets)"'
}

# lab_wire_mbit NAME DEV SECONDS: Mbit/s of IP packets that arrive there, averaged over SECONDS.
lab_wire_mbit() {
  local from to
  from=$(lab_received "$1" "$2")
  sleep "$3"
  to=$(lab_received "$1" "$2")
  awk -v from="$from" -v to="$to" 'BEGIN {
    split(from, a); split(to, b); printf "%.2f", (b[2] - a[2]) * 8 / (b[1] - a[1]) }'
}

# lab_rtt_ms NAME ADDRESS: the median round trip of ten pings.
lab_rtt_ms() {
  in_ns "$1" ping -q -c 10 -i 0.05 "$2" | sed -n 's|^rtt [^=]*= [^/]*/\([^/]*\)/.*|\1|p'
}

# lab_bulk_start NAME RUN SECONDS OPTION...: an iperf3 test in the background; JSON in
# LAB_DIR/RUN.json.
lab_bulk_start() {
  local name=$1 run=$2 seconds=$3
  shift 3
  lab_spawn "$name" iperf3 --json -t "$seconds" "$@" >"$LAB_DIR/$run.json" 2>&1
  LAB_WRK_PIDS[$run]=$LAB_PID
}

# lab_bulk_wait RUN: waits for its end; LAB_MBIT is the goodput in Mbit/s.
LAB_MBIT=
lab_bulk_wait() {
  local run=$1 pid kept=()
  wait "${LAB_WRK_PIDS[$run]}" || true
  for pid in "${LAB_PIDS[@]}"; do [[ $pid == "${LAB_WRK_PIDS[$run]}" ]] || kept+=("$pid"); done
  LAB_PIDS=("${kept[@]}")
  LAB_MBIT=$(jq -r 'if .error then error("iperf3: " + .error) else
    .end.sum_received.bits_per_second / 1e4 | round / 100 end' "$LAB_DIR/$run.json")
}

# lab_greeter NAME PORT: a server that answers each line with a greeting; LAB_PID is its pid.
lab_greeter() {
  local name=$1 port=$2
  lab_spawn "$name" socat "TCP-LISTEN:$port,fork,reuseaddr" \
    'SYSTEM:read -r line && echo "Hello, client! You said: $line"'
  lab_until 5 "socat on port $port in $name" lab_listens "$name" "$port" || exit 1
}

# lab_greet NAME ADDRESS PORT: sends "Hello, World!" and prints the answer.
lab_greet() {
  printf 'Hello, World!\n' | in_ns "$1" timeout 5 socat -t 3 - "TCP:$2:$3"
}
