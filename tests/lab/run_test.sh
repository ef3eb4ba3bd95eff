#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# sluice run: applies and follows its file, takes failing backends out of the ring and brings them
# back, checks backends along the path of clients, runs once per instance, and serves Prometheus
# metrics. Killed with SIGKILL under load: no request fails, and the state stays complete.
#   KILLS  number of kills (10)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

kills=${KILLS:-10}
lab_begin run
lab_topology
declare -A nginx
for index in 1 2 3; do
  lab_nginx "server$index" "$index" 80 8081
  nginx[$index]=$LAB_PID
done
lab_vip "$LAB_VIP_V4" server1 server2 server3
lab_vip "$LAB_VIP_V6" server1 server2 server3

file=$LAB_DIR/sluice.yaml
log=$LAB_DIR/daemon.log

# web translates both addresses; direct only the destination, so that answers to the director's
# checks look like answers to clients; tunnel encapsulates, and its checks must reach the service's
# address. write_file BACKENDS [WEIGHT]: the backends of all services, by the servers' numbers.
write_file() {
  local index weight=${2:-100}
  {
    cat <<END
run: {metrics: 127.0.0.1:9273, settle: 1s}
services:
  web:
    address: $LAB_VIP_V4:80/tcp
    health: {check: tcp, interval: 100ms, timeout: 40ms, rise: 2, fall: 2}
    backends:
END
    for index in $1; do echo "      - {address: ${LAB_SERVERS_V4[index]}:80, weight: $((index == 1 ? weight : 100))}"; done
    cat <<END
  direct:
    address: $LAB_VIP_V4:81/tcp
    mode: nat
    health: {check: tcp, interval: 100ms, timeout: 40ms, rise: 2, fall: 2}
    backends:
END
    for index in $1; do echo "      - ${LAB_SERVERS_V4[index]}:8081"; done
    cat <<END
  tunnel:
    address: "[$LAB_VIP_V6]:80/tcp"
    mode: ipip
    health: {check: http, interval: 100ms, timeout: 40ms, rise: 2, fall: 2}
    all-down: keep
    backends:
END
    for index in $1; do echo "      - {address: \"[${LAB_SERVERS_V6[index]}]:80\", weight: $((index == 1 ? weight : 100))}"; done
  } >"$file.new"
  mv "$file.new" "$file"
}

daemon=
start_daemon() {
  lab_spawn director "$LAB_BUILD/sluice" --instance "$LAB_INSTANCE" run "$file" >>"$log" 2>&1
  daemon=$LAB_PID
}
said() { grep -qF -- "$1" "$log"; }
# True once a daemon follows the file, according to the log.
daemon_is_up() { said "follows $file"; }

backend_says() { # SERVICE BACKEND FIELD
  lab_sluice backend show "$1" "$2" --json | jq -r ".$3"
}
is_failing() { [[ $(backend_says "$1" "$2" failing) == true ]]; }
is_well() { [[ $(backend_says "$1" "$2" failing) == false ]]; }
has_backends() { [[ $(lab_sluice backend list "$1" --json | jq length) == "$2" ]]; }
metric() { in_ns director curl -sS --max-time 5 http://127.0.0.1:9273/metrics | grep -F -- "$1"; }
metric_is() { [[ $(metric "$1") == "$1 $2" ]]; }

lab_sluice attach steer clients0 2>/dev/null
lab_sluice attach steer servers0 2>/dev/null
for index in 1 2 3; do lab_sluice_on "server$index" attach decap net0 2>/dev/null; done
write_file "1 2 3"
start_daemon
check "the daemon applies its file" lab_until 20 "the daemon" daemon_is_up
check "the daemon creates the services" has_backends tunnel 3

check "a client is served in mode snat" in_ns client curl -sS --max-time 5 "http://$LAB_VIP_V4/"
check "a client is served in mode nat" \
  in_ns client curl -sS --max-time 5 "http://$LAB_VIP_V4:81/"
check "a client is served in mode ipip" in_ns client curl -sS --max-time 5 "http://[$LAB_VIP_V6]/"

# Two daemons.
second=$(lab_sluice run "$file" 2>&1) && status=0 || status=$?
check_equal "a second daemon exits with 1" 1 echo "$status"
check "the second daemon names the reason" grep -qF "another sluice run manages it already" <<<"$second"

# A backend that fails and recovers. Checks of tunnel go to the service's address: without it on
# server 3 the backend of tunnel fails, and that of web does not.
one=${LAB_SERVERS_V4[2]}:80
# The workers too: they would serve on without the main process.
mapfile -t workers < <(pgrep -P "${nginx[2]}")
kill -KILL "${nginx[2]}" "${workers[@]}"
wait "${nginx[2]}" 2>/dev/null || true
check "a failed backend is taken out of the ring" lab_until 10 "server 2 to fail" is_failing web "$one"
check_equal "a failed backend keeps the state that the operator set" up backend_says web "$one" state
check_equal "a failed backend has no slot" 0 backend_says web "$one" slots
lab_nginx server2 2 80 8081
nginx[2]=$LAB_PID
check "a backend that answers again is back" lab_until 10 "the check of server 2 to succeed" is_well web "$one"
lab_ip server3 -6 address del "$LAB_VIP_V6/128" dev lo
check "a server without the service's address fails the checks of mode ipip" \
  lab_until 10 "server 3 to fail" is_failing tunnel "[${LAB_SERVERS_V6[3]}]:80"
check "a mode that needs no address on the server is not affected" is_well web "${LAB_SERVERS_V4[3]}:80"
lab_vip "$LAB_VIP_V6" server3 2>/dev/null || true
check "with the address the backend is back" \
  lab_until 10 "the check of server 3 to succeed" is_well tunnel "[${LAB_SERVERS_V6[3]}]:80"

# The file.
write_file "1 2"
check "a changed file is followed" lab_until 10 "two backends" has_backends web 2
echo "services: [" >"$file"
check "a broken file is reported" lab_until 10 "the report" said "the previous configuration stays in force"
check "a broken file changes nothing" has_backends web 2
write_file "1 2 3"
check "a corrected file is followed" lab_until 10 "three backends" has_backends web 3

# Prometheus metrics.
checked() { [[ $(metric "$1" | cut -d ' ' -f 2) -gt 3 ]]; }
for name in "web\",backend=\"$one" "direct\",backend=\"${LAB_SERVERS_V4[2]}:8081" "tunnel\",backend=\"[${LAB_SERVERS_V6[2]}]:80"; do
  check "checks are answered: ${name%%\"*}" \
    lab_until 10 "answers" checked "sluice_backend_checks_total{service=\"$name\",result=\"passed\"}"
done
check "metrics are served" lab_until 5 "a metric" metric_is 'sluice_backend_up{service="web",backend="'"$one"'"}' 1
if command -v promtool >/dev/null; then
  in_ns director curl -sS http://127.0.0.1:9273/metrics >"$LAB_DIR/metrics"
  check "promtool accepts the metrics" promtool check metrics <"$LAB_DIR/metrics"
  check "promtool accepts the alerts" promtool check rules "$LAB_ROOT/packaging/prometheus/sluice.rules.yaml"
else
  report_skip "promtool accepts the metrics and the alerts" "promtool is not installed (package prometheus)"
fi

# The unit, with the path of the program in the build folder.
if command -v systemd-analyze >/dev/null; then
  unit=$LAB_DIR/sluice@.service
  sed "s|^ExecStart=[^ ]*|ExecStart=$LAB_BUILD/sluice|" "$LAB_BUILD/sluice@.service" >"$unit"
  check "systemd accepts the unit" systemd-analyze verify "$unit"
else
  report_skip "systemd accepts the unit" "systemd-analyze is not installed (package systemd)"
fi

# Repeated SIGKILL under load; each new daemon finds a changed file.
seconds=$((kills / 5 + 6))
lab_wrk_start client web "http://$LAB_VIP_V4/" "$seconds" 4 close
lab_wrk_start client web-kept "http://$LAB_VIP_V4/" "$seconds" 4
lab_wrk_start client tunnel "http://[$LAB_VIP_V6]/" "$seconds" 4 close
unreadable=0
for ((i = 0; i < kills; i++)); do
  sleep "0.0$((RANDOM % 90 + 10))"
  kill -KILL "$daemon"
  wait "$daemon" 2>/dev/null || true
  lab_sluice status --json >/dev/null 2>&1 || unreadable=$((unreadable + 1))
  write_file "1 2 3" $((100 + i % 2 * 100))
  start_daemon
done
check_equal "after each of $kills kills the state is readable" 0 echo "$unreadable"
for run in web web-kept tunnel; do
  lab_wrk_wait "$run"
  check_between "requests served, $run" 100 1e99 "$(jq .requests "$LAB_DIR/$run.json")"
  check_equal "no request failed, $run" 0 jq .failed "$LAB_DIR/$run.json"
done
: >"$log"
lab_stop "$daemon"
check "traffic goes on without a daemon" in_ns client curl -sS --max-time 5 "http://$LAB_VIP_V4/"
lab_sluice apply "$file" >/dev/null 2>&1
check_equal "apply completes the change that a killed daemon began" 0 \
  bash -c "bpftool -j map lookup pinned $LAB_BPFFS/$LAB_INSTANCE/instance key 0 0 0 0 | jq .formatted.value.pending"

# A full disk: the daemon cannot write its log and works on.
write_file "1 2"
lab_spawn director "$LAB_BUILD/sluice" --instance "$LAB_INSTANCE" run "$file" >/dev/full 2>&1
daemon=$LAB_PID
check "a daemon that cannot write its log applies its file" lab_until 10 "two backends" has_backends web 2
write_file "1 2 3"
check "a daemon that cannot write its log follows its file" lab_until 10 "three backends" has_backends web 3
lab_stop "$daemon"
report_end
