#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# sluice apply under traffic: applied, exported, killed at random moments, applied again. A reader
# finds the old or the new configuration, complete, and no request fails.
#   KILLS  number of kills (12)      SEED  of the random moments (1), printed at the start
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

kills=${KILLS:-12}
RANDOM=${SEED:-1}
printf 'apply_test: %s kills, seed %s\n' "$kills" "${SEED:-1}"

lab_begin apply
lab_topology
for index in 1 2 3; do lab_nginx "server$index" "$index" 80; done
lab_vip "$LAB_VIP_V6" server1 server2 server3
# Server 1 is up in both files. Beside the services with traffic, each file has a service that the
# other lacks, with 100 backends, which makes the commit long.
spare_backends() { # NET
  local host
  for host in {1..100}; do printf '      - 10.%d.0.%d:80\n' "$1" "$host"; done
}
cat >"$LAB_DIR/one.yaml" <<END
services:
  web:
    address: $LAB_VIP_V4:80/tcp
    backends: [${LAB_SERVERS_V4[1]}:80, ${LAB_SERVERS_V4[2]}:80, ${LAB_SERVERS_V4[3]}:80]
  tunnel:
    address: "[$LAB_VIP_V6]:80/tcp"
    mode: ipip
    policy: {window: 512kib}
    backends: [${LAB_SERVERS_V4[1]}:80, ${LAB_SERVERS_V4[2]}:80, ${LAB_SERVERS_V4[3]}:80]
  spare:
    address: 203.0.113.99:80/tcp
    deny: [192.0.2.128/25]
    client-weights: {192.0.2.0/25: 3}
    backends:
$(spare_backends 1)
END
cat >"$LAB_DIR/two.yaml" <<END
services:
  web:
    address: $LAB_VIP_V4:80/tcp
    policy: {connection-rate: 1000000}
    backends:
      - ${LAB_SERVERS_V4[1]}:80
      - {address: ${LAB_SERVERS_V4[2]}:80, state: draining}
      - {address: ${LAB_SERVERS_V4[3]}:80, weight: 300}
  tunnel:
    address: "[$LAB_VIP_V6]:80/tcp"
    mode: ipip
    backends:
      - {address: ${LAB_SERVERS_V4[1]}:80, weight: 10}
      - {address: ${LAB_SERVERS_V4[2]}:80, weight: 50}
      - {address: ${LAB_SERVERS_V4[3]}:80, state: draining}
  another:
    address: 203.0.113.98:80/tcp
    mode: ipip
    backends:
$(spare_backends 2)
END

apply() { lab_sluice apply "$LAB_DIR/$1.yaml" "${@:2}"; }
exported() { lab_sluice export | sed '/^services:/,$!d'; }
pending() {
  bpftool -j map lookup pinned "$LAB_BPFFS/$LAB_INSTANCE/instance" key 0 0 0 0 |
    jq '.formatted.value.pending'
}

lab_ip director route replace 10.0.0.0/8 via "${LAB_SERVERS_V4[1]}"
{
  echo "devices: {clients0: {steer: }, servers0: {steer: }}"
  cat "$LAB_DIR/one.yaml"
} >"$LAB_DIR/first.yaml"

# A dry run creates nothing and lists the changes.
apply first --dry-run >"$LAB_DIR/shown"
check "a dry run creates no instance" test ! -e "$LAB_BPFFS/$LAB_INSTANCE"
for index in 1 2 3; do
  lab_sluice_on "server$index" attach decap net0 2>/dev/null
done
apply first 2>"$LAB_DIR/done"
check_equal "apply makes the changes that the dry run listed" "$(grep -v '^instance ' "$LAB_DIR/shown" |
  sed 's/^would change: //')" sed '$d' "$LAB_DIR/done"
check_equal "a second apply changes nothing" "$LAB_DIR/first.yaml: everything is already so" \
  apply first

# The output of export is a file for apply.
lab_sluice export >"$LAB_DIR/exported.yaml"
check_equal "applying the exported file changes nothing" "{\"changed\":false,\"changes\":[]}" \
  jq -c '{changed, changes}' <(apply exported --json)
declare -A whole
whole[one]=$(exported)
apply two 2>/dev/null
whole[two]=$(exported)
check "the two files differ" test "${whole[one]}" != "${whole[two]}"

# A file with a mistake changes nothing; the error has the line and the column.
sed 's/weight: 300/weight: 300000/' "$LAB_DIR/two.yaml" >"$LAB_DIR/broken.yaml"
status=0
apply broken >"$LAB_DIR/out" 2>&1 || status=$?
check_equal "a broken file is misuse: exit 2" 2 echo "$status"
check_equal "the error has a line and a column" \
  "$LAB_DIR/broken.yaml:8:45: weight \"300000\": not a whole number from 0 to 65535" head -1 "$LAB_DIR/out"
check_equal "a broken file changes nothing" "${whole[two]}" exported
# That a device is missing is known only when the kernel is asked, after the checks of the file.
{
  echo "devices: {clients0: {steer: }, servers0: {steer: }, nowhere0: {steer: }}"
  cat "$LAB_DIR/one.yaml"
} >"$LAB_DIR/nowhere.yaml"
status=0
apply nowhere >"$LAB_DIR/out" 2>&1 || status=$?
check_equal "a missing device is a failure: exit 1" 1 echo "$status"
check_equal "a missing device changes nothing else" "${whole[two]}" exported

# Duration of an undisturbed apply: the kills are spread over it, and a little beyond.
before=${EPOCHREALTIME/./}
for file in one two one two; do apply "$file" 2>/dev/null; done
typical_us=$(((${EPOCHREALTIME/./} - before) / 4))

seconds=$((kills * (typical_us * 7 + 250000) / 1000000 + 5))
lab_wrk_start client web "http://$LAB_VIP_V4/" "$seconds" 4 close
lab_wrk_start client web-kept "http://$LAB_VIP_V4/" "$seconds" 4
lab_wrk_start client tunnel "http://[$LAB_VIP_V6]/" "$seconds" 4 close
lab_wrk_start client tunnel-kept "http://[$LAB_VIP_V6]/" "$seconds" 4

died=0 tries=0 torn=0 unfinished=0 different=0 was=two
declare -A seen=([old]=0 [new]=0)
while ((died < kills && tries < 4 * kills)); do
  tries=$((tries + 1))
  next=one
  if [[ $was == one ]]; then next=two; fi
  shown=$(apply "$next" --dry-run --json | jq -c .changes)
  nsenter --net="/run/netns/$LAB_PREFIX-director" -- \
    "$LAB_BUILD/sluice" --instance "$LAB_INSTANCE" apply "$LAB_DIR/$next.yaml" >/dev/null 2>&1 200>&- &
  victim=$!
  sleep "$(printf '0.%06d' $((RANDOM * RANDOM % typical_us)))"
  kill -KILL "$victim" 2>/dev/null || true
  status=0
  wait "$victim" 2>/dev/null || status=$?
  if [[ $status -eq 137 ]]; then died=$((died + 1)); fi
  # A reader sees one of the two configurations ...
  case $(exported) in
    "${whole[$was]}") seen[old]=$((seen[old] + 1)) ;;
    "${whole[$next]}") seen[new]=$((seen[new] + 1)) ;;
    *) torn=$((torn + 1)) ;;
  esac
  # ... and a second apply completes the change: by the changes that the dry run listed, or by none.
  changes=$(apply "$next" --json | jq -c .changes)
  if [[ $changes != "$shown" && $changes != '[]' ]]; then different=$((different + 1)); fi
  if [[ $(exported) != "${whole[$next]}" || $(pending) != 0 || -e $LAB_BPFFS/$LAB_INSTANCE/journal ]]; then
    unfinished=$((unfinished + 1))
  fi
  was=$next
done

check_equal "$kills of $tries applies were killed before their end" "$kills" echo "$died"
check_equal "every state was the old or the new one (${seen[old]} and ${seen[new]})" 0 echo "$torn"
check "both were seen: the kills hit before and after the commit" test "${seen[old]}" -gt 0 -a "${seen[new]}" -gt 0
check_equal "after a second apply every state is complete" 0 echo "$unfinished"
check_equal "the second apply makes the changes that the dry run listed, or none" 0 echo "$different"
for run in web web-kept tunnel tunnel-kept; do
  lab_wrk_wait "$run"
  check_between "requests served, $run" 100 1e99 "$(jq .requests "$LAB_DIR/$run.json")"
  check_equal "no request failed, $run" 0 jq .failed "$LAB_DIR/$run.json"
done

# An empty file removes everything but the instance.
printf 'services: {}\ndevices: {}\n' >"$LAB_DIR/empty.yaml"
check "an empty file can be applied" apply empty
check_equal "after an empty file no service is left" "services: {}" exported
check "the instance can be removed" lab_sluice instance remove
report_end
