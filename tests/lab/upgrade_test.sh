#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# sluice instance upgrade between two versions (build/sluice and build/tests/sluice_next, which has two
# more verdicts), back and forth while traffic runs: every program is replaced, no request fails and
# no connection moves. Upgrades are killed with SIGKILL at random moments. An instance that cannot be
# adopted is refused.
#   UPGRADES  number of upgrades (2)   KILLS  number of killed upgrades (2)   SEED  (1), printed first
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

upgrades=${UPGRADES:-2} kills=${KILLS:-2} long=60
RANDOM=${SEED:-1}
printf 'upgrade_test: %s upgrades, %s kills, seed %s\n' "$upgrades" "$kills" "${SEED:-1}"

lab_begin upgrade
pinned=$LAB_BPFFS/$LAB_INSTANCE
versions=("$LAB_BUILD/sluice" "$LAB_BUILD/tests/sluice_next")

# by VERSION ARGUMENT...: 0, the one that made the instance, or 1.
by() {
  local version=$1
  shift
  in_ns director "${versions[version]}" --instance "$LAB_INSTANCE" "$@"
}

lab_topology
for index in 1 2 3; do lab_nginx "server$index" "$index" 80 81; done
lab_vip "$LAB_VIP_V6" server1 server2 server3
{
  lab_sluice attach steer clients0
  lab_sluice attach steer servers0
  lab_sluice attach pace clients0
  lab_sluice congestion load
  lab_sluice service add web "$LAB_VIP_V4:80/tcp"
  lab_sluice service add paced "$LAB_VIP_V4:81/tcp"
  lab_sluice policy set paced --flow-rate 400mbit --window 1mib
  lab_sluice service add tunnel "[$LAB_VIP_V6]:80/tcp" --mode ipip
  for index in 1 2 3; do
    lab_sluice_on "server$index" attach decap net0
    for service in web tunnel; do
      lab_sluice backend add "$service" "${LAB_SERVERS_V4[index]}:80"
    done
    lab_sluice backend add paced "${LAB_SERVERS_V4[index]}:81"
  done
} 2>/dev/null

# The id of what is pinned there: of a program, or of the one that a link runs.
program_of() { bpftool -j prog show pinned "$1" | jq .id; }
run_by() { bpftool -j link show pinned "$1" 2>/dev/null | jq .prog_id; }

# Links that run another program than their instance has, and what an upgrade left behind.
not_whole() {
  local link name
  for link in "$pinned"/links/*; do
    name=${link##*/} name=${name%%-*}
    if [[ $name == congestion || ! -e $pinned/programs/$name ]]; then continue; fi
    [[ $(run_by "$link") == "$(program_of "$pinned/programs/$name")" ]] || echo "${link##*/}"
  done
  if [[ -e $pinned/next ]]; then echo next; fi
}
# packets_of VERSION SERVICE VERDICT: as that version reads them.
packets_of() {
  by "$1" --json service show "$2" | jq "[.verdicts[] | select(.verdict == \"$3\") | .packets] | add // 0"
}
# count_goes_on VERSION SERVICE VERDICT FROM: it is larger than that.
count_goes_on() { (($(packets_of "$1" "$2" "$3") > $4)); }
# A snat service's replies are counted under this verdict by a version, and what leaves through tc
# under that one: the next version appends two verdicts of its own (tests/lab/next_verdicts.awk).
replies=(reply_translated next_reply_translated)
punts=(punted_to_pace next_punted_to_pace)
congestion_map() { lab_sluice status --json | jq '.congestion[] | select(.pinned) | .map_id'; }

check_equal "an instance of its own version has nothing to do" false \
  bash -c "'${versions[0]}' --instance $LAB_INSTANCE --json instance upgrade | jq .changed"
before=$(program_of "$pinned/programs/steer")
check_equal "a dry run says that another version would change it" true \
  bash -c "nsenter --net=/run/netns/$LAB_PREFIX-director '${versions[1]}' --instance $LAB_INSTANCE --json --dry-run instance upgrade | jq .changed"
check_equal "and changes nothing" "$before" program_of "$pinned/programs/steer"
check_equal "status says that its programs are another's" false \
  bash -c "'${versions[1]}' --instance $LAB_INSTANCE --json status | jq .programs.current"
by 1 attach steer clients0 2>"$LAB_DIR/said"
check "so does attach, and what to do" grep -q "instance upgrade $LAB_INSTANCE" "$LAB_DIR/said"

# What cannot be adopted. A map is another one while the pin leads there.
refused() {
  local sentence=$1 pattern=$2 status=0
  by 1 instance upgrade >"$LAB_DIR/said" 2>&1 || status=$?
  check_equal "$sentence: refused" 1 echo "$status"
  check_equal "$sentence: with the way out" "" \
    grep -vE "$pattern.*sluice --instance $LAB_INSTANCE export" "$LAB_DIR/said"
  check_equal "$sentence: nothing was changed" "$before" program_of "$pinned/programs/steer"
  check_equal "$sentence: and is whole" "" not_whole
}
root=$pinned/instance
as_schema() {
  bpftool -j map lookup pinned "$root" key 0 0 0 0 | jq -r --arg first "$1" \
    '[.value[] | ltrimstr("0x")] | ["0x" + $first] + [.[1:][] | "0x" + .] | join(" ")' |
    xargs bpftool map update pinned "$root" key 0 0 0 0 value
}
schema=$(bpftool -j map lookup pinned "$root" key 0 0 0 0 | jq -r '.value[0] | ltrimstr("0x")')
as_schema 63
refused "a layout of another version" 'version 99'
as_schema "$schema"
mv "$pinned/shares" "$pinned/kept"
bpftool map create "$pinned/shares" type array key 4 value 8 entries 1024 name shares
refused "a map of another shape" 'map shares: its (type|size of a value) is'
mv "$pinned/kept" "$pinned/shares"

# Under load, from here on.
measure=${EPOCHREALTIME/./}
by 1 instance upgrade 2>/dev/null && by 0 instance upgrade 2>/dev/null
typical_us=$(((${EPOCHREALTIME/./} - measure) / 2))
seconds=$(((upgrades + 2 * kills) * typical_us * 9 / 1000000 + 60)) # at most
declare -A steady=()
for run in web tunnel; do
  address=$LAB_VIP_V4
  if [[ $run == tunnel ]]; then address=$LAB_VIP_V6; fi
  lab_spawn client "$LAB_BUILD/tests/steady" "$address" 80 "$seconds" "$long" 50 >"$LAB_DIR/steady-$run"
  steady[$run]=$LAB_PID
  lab_until 10 "an answer to every long-lived connection" grep -qx ready "$LAB_DIR/steady-$run"
done
lab_wrk_start client paced "http://$LAB_VIP_V4:81/" "$seconds" 4 close

declare -A counted_before=([web]=reply_translated [paced]=punted_to_pace)
uncounted=0 misread=0
unlike=0 left=0 took_us=0 longest_us=0 other=1
map_before=$(congestion_map)
for ((done = 0; done < upgrades; done++)); do
  began=${EPOCHREALTIME/./}
  by "$other" instance upgrade >"$LAB_DIR/said" 2>&1 || lab_fail "upgrade: $(<"$LAB_DIR/said")"
  us=$((${EPOCHREALTIME/./} - began))
  took_us=$((took_us + us))
  if ((us > longest_us)); then longest_us=$us; fi
  other=$((1 - other))
  after=$(program_of "$pinned/programs/steer")
  if [[ $after == "$before" || $(congestion_map) == "$map_before" ]]; then unlike=$((unlike + 1)); fi
  before=$after map_before=$(congestion_map)
  if [[ -n $(not_whole) ]]; then left=$((left + 1)); fi
  running=$((1 - other))
  for counted in "web ${replies[running]}" "paced ${punts[running]}"; do
    read -r service verdict <<<"$counted"
    from=$(packets_of "$running" "$service" "$verdict")
    lab_until 10 "packets of $service under $verdict" count_goes_on "$running" "$service" "$verdict" "$from" ||
      uncounted=$((uncounted + 1))
    # The older version's counter stays where it is, and each version reads what both know.
    known=$(packets_of 0 "$service" "${counted_before[$service]}")
    if [[ $(packets_of 1 "$service" "${counted_before[$service]}") -lt $known || $known -eq 0 ]]; then
      misread=$((misread + 1))
    fi
  done
done
check_equal "each of $upgrades upgrades replaced the programs, and the congestion control" 0 echo "$unlike"
check_equal "each version counted under its own verdicts, the two that the next one adds included" 0 echo "$uncounted"
check_equal "and what both know was read alike by both" 0 echo "$misread"
check_equal "and each put them behind every link, and left nothing over" 0 echo "$left"

# Killed at random moments: what it left is finished by the next command that changes something,
# whichever version's, and then by an upgrade of either.
died=0 unreadable=0 torn=0 tries=0
while ((died < kills && tries < 5 * kills)); do
  tries=$((tries + 1))
  nsenter --net="/run/netns/$LAB_PREFIX-director" -- \
    "${versions[tries % 2]}" --instance "$LAB_INSTANCE" instance upgrade >/dev/null 2>&1 200>&- &
  victim=$!
  sleep "$(printf '%d.%06d' $((moment = RANDOM * 32768 + RANDOM, moment %= typical_us, moment / 1000000)) $((moment % 1000000)))"
  kill -KILL "$victim" 2>/dev/null || true
  status=0
  wait "$victim" 2>/dev/null || status=$?
  if [[ $status -eq 137 ]]; then died=$((died + 1)); fi
  by $((RANDOM % 2)) status >/dev/null 2>&1 || unreadable=$((unreadable + 1))
  by $((RANDOM % 2)) backend set web "${LAB_SERVERS_V4[1]}:80" --weight $((RANDOM % 300 + 1)) 2>/dev/null ||
    torn=$((torn + 1))
  if [[ -n $(not_whole) ]]; then torn=$((torn + 1)); fi
done
by 0 instance upgrade 2>/dev/null
check_equal "$kills upgrades died before they ended" "$kills" echo "$died"
check_equal "every state that they left was readable" 0 echo "$unreadable"
check_equal "and the next command made it whole" 0 echo "$torn"
check_equal "and after one more it is one version's" true \
  bash -c "'${versions[0]}' --instance $LAB_INSTANCE --json status | jq .programs.current"
check_equal "and whole" "" not_whole

for run in web tunnel; do
  lab_stop "${steady[$run]}"
  file=$LAB_DIR/steady-$run
  sed -i /ready/d "$file"
  check_equal "$run: of $long long-lived connections none was reset, timed out, was cut off or moved" \
    "$long,0,0,0,0" jq -r '.long | "\(.opened),\(.reset),\(.timed_out),\(.cut_off),\(.moved)"' "$file"
  check_equal "$run: no short one failed" '0,0,0' \
    jq -r '.short | "\(.reset),\(.timed_out),\(.cut_off)"' "$file"
  check "$run: and there were some" jq -e '.short.answers > 100 and .long.answers > 300' "$file"
  printf '# %s: %s\n' "$run" "$(<"$file")"
done
kill -INT "${LAB_WRK_PIDS[paced]}"
lab_wrk_wait paced
check_equal "paced: no request failed" 0 jq .failed "$LAB_DIR/paced.json"
check_between "paced: requests served" 100 1e99 "$(jq .requests "$LAB_DIR/paced.json")"
printf '# %s upgrades: %s ms each, at most %s ms\n' "$upgrades" \
  $((took_us / upgrades / 1000)) $((longest_us / 1000))
report_end
