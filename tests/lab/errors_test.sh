#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Bad input on the command line: one sentence on stderr that says what, which and why; exit 2 for
# misuse and 1 for failure; and no change.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

lab_begin errors
lab_add_ns director net.ipv4.ip_forward=1
lab_ip director link add eth1 type veth peer name eth2
lab_ip director link set eth1 up
lab_ip director link set eth2 up
lab_address director eth1 10.0.0.1/24 2001:db8:b::1/64

state() { lab_sluice status --json | jq -c 'del(.. | .verdicts?)'; lab_sluice backend list --json; }

# refused STATUS PATTERN ARGUMENT...: sluice exits with STATUS, prints one line to stderr that
# matches PATTERN (a regular expression), nothing to stdout, and changes nothing.
refused() {
  local status=$1 pattern=$2 before seen=0
  shift 2
  before=$(state)
  lab_sluice "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err" || seen=$?
  local said
  said=$(cat "$LAB_DIR/err")
  if [[ $seen -eq $status && ! -s $LAB_DIR/out && $(wc -l <"$LAB_DIR/err") -eq 1 &&
    $said == "sluice: "* && $said =~ $pattern && $(state) == "$before" ]]; then
    report_ok "$(printf '%s: %s' "$*" "$said")"
  else
    report_not_ok "sluice $* is refused with exit $status and $pattern" \
      "exit $seen, stdout: $(cat "$LAB_DIR/out"), stderr: $said"
  fi
}

lab_sluice service add web 203.0.113.10:80/tcp 2>/dev/null
lab_sluice backend add web 10.0.0.11:80 2>/dev/null
lab_sluice service add web6 '[2001:db8::10]:80/tcp' 2>/dev/null

refused 2 '10\.0\.0' service add x 10.0.0:80/tcp
refused 2 '300' service add x 10.0.0.300:80/tcp
refused 2 '2001' service add x '2001:db8::1:80/tcp'
refused 2 'port' service add x 10.0.0.9:65536/tcp
refused 2 '203\.0\.113\.0/24' service add x 203.0.113.9/24:80/tcp
refused 2 '2001:db8::/64' service add x '[2001:db8::1/64]:80/tcp'
refused 2 '33' service add x 203.0.113.0/33:80/tcp
refused 2 'brackets' service add x '[2001:db8::]/64:80/tcp'
refused 2 'sctp' service add x 10.0.0.9:80/sctp
refused 2 '10\.0\.0\.9:80' service add x 10.0.0.9:80
refused 2 '0\.0\.0\.0' service add x 0.0.0.0:80/tcp
refused 2 '224' service add x 224.0.0.1:80/tcp
refused 2 'Web' service add Web 10.0.0.9:80/tcp
refused 2 'web' service add web 10.0.0.9:80/tcp
refused 2 '203\.0\.113\.10:80/tcp' service add other 203.0.113.10:80/tcp
refused 2 'nat' service add x 10.0.0.9:80/tcp --mode teleport
refused 2 'overlaps.*web' service add x 203.0.113.0/24:80/tcp
refused 2 'overlaps.*web' service add x 203.0.113.0/24:0/tcp
refused 2 'UDP' service add x 10.0.0.9:443/tcp --quic
refused 2 'gue' service add x 10.0.0.9:80/tcp --gue-variant 0
refused 2 'variant' service add x 10.0.0.9:80/tcp --mode gue --gue-variant 2
refused 2 'affinity' service add x 10.0.0.9:80/tcp --affinity sticky
refused 2 'no state' service add x 198.51.100.0/24:80/tcp --mode nat
refused 2 'nothing to set' service set web
refused 2 'remove it first' service set web --affinity client
refused 2 'wbe' service show wbe
refused 2 'wbe' service remove wbe
refused 2 'wbe' backend add wbe 10.0.0.12:80
refused 2 'weight' backend add web 10.0.0.12:80 --weight 65536
refused 2 'weight' backend add web 10.0.0.12:80 --weight=-1
refused 2 'weight' backend add web 10.0.0.12:80 --weight heavy
refused 2 'weight' backend add web 10.0.0.11:80 --weight 7
refused 2 '10\.0\.0\.99' backend drain web 10.0.0.99:80
refused 2 '10\.0\.0\.99' backend remove web 10.0.0.99:80
refused 2 'famil' backend add web '[2001:db8:b::11]:80'
refused 1 'route' backend add web 192.0.2.77:80
# Modes: what each cannot do.
lab_ip director route add 198.18.0.0/15 via 10.0.0.254
lab_ip director route add 10.0.9.0/24 dev eth1 mtu 590
lab_sluice service add l2 203.0.113.20:80/tcp --mode l2 2>/dev/null
lab_sluice service add nat 203.0.113.21:80/tcp --mode nat 2>/dev/null
lab_sluice service add nat-too 203.0.113.22:80/tcp --mode nat 2>/dev/null
lab_sluice service add ipip 203.0.113.23:80/tcp --mode ipip 2>/dev/null
lab_sluice service add any 203.0.113.24:0/tcp --mode gue 2>/dev/null
lab_sluice backend add nat 10.0.0.12:80 2>/dev/null
check "a neighbour is a backend of mode l2" lab_sluice backend add l2 10.0.0.12:80
refused 2 'segment' backend add l2 198.18.0.9:80
refused 2 'segment' backend add l2 10.0.0.1:81
refused 2 'famil' backend add l2 '[2001:db8:b::11]:80'
refused 2 'famil' backend add nat '[2001:db8:b::11]:80'
refused 2 'backend of service nat' backend add nat-too 10.0.0.12:80
refused 2 'endpoint of service ipip' backend add nat-too 203.0.113.23:80
refused 2 'in mode nat' service add x 10.0.0.12:80/tcp
refused 2 '596' backend add ipip 10.0.9.9:80
check "a backend without encapsulation fits the same link" lab_sluice backend add web 10.0.9.9:80
lab_sluice backend remove web 10.0.9.9:80 2>/dev/null
refused 2 '10\.0\.0\.12:0' backend add any 10.0.0.12:80
refused 2 'any port' backend add web 10.0.0.12:0
for service in l2 nat nat-too ipip any; do lab_sluice service remove "$service" 2>/dev/null; done

# Filters.
refused 2 '198\.51\.100\.0/24' filter allow web 198.51.100.7/24
refused 2 'everywhere' filter deny web everywhere
refused 2 'famil' filter deny web 2001:db8::/32
refused 2 'wbe' filter deny wbe 198.51.100.0/24
refused 2 'no such filter' filter remove web 198.51.100.0/24
lab_sluice filter allow web 198.51.100.0/24 2>/dev/null
refused 2 'filter remove' filter deny web 198.51.100.0/24
check "the same filter again is success" lab_sluice filter allow web 198.51.100.0/24
check "filter clear removes all filters" lab_sluice filter clear web

refused 2 'sideways' backend set web 10.0.0.11:80 --state sideways
refused 2 '50mbyte' policy set web --flow-rate 50mbyte
refused 2 'fast' policy set web --flow-rate fast
refused 2 '0' policy set web --flow-rate 0
refused 2 'window' policy set web --window 100
refused 2 'policy' policy set web
refused 2 '10000000' policy set web --connection-rate 10000001
refused 2 '"0"' policy set web --connection-rate 0
refused 2 'services.*65536' instance create --services 65537
refused 2 'backends.*1048576' instance create --backends 0
refused 2 'flows.*1024' instance create --flows 1023
refused 2 'exists already' instance create --services 77
check "creating an instance that exists as asked is success" lab_sluice instance create
refused 2 'wbe' policy set wbe --window 256kib
refused 1 'eth7' attach steer eth7
refused 2 'fly' attach fly eth1
refused 2 'teleport' teleport
refused 2 'frobnicate' service frobnicate
refused 2 '' service add
refused 2 '' service list surplus

lab_sluice attach steer eth1 2>/dev/null
refused 1 'steer' attach decap eth1
refused 1 'not in libxdp.s dispatcher: steer ' attach decap eth1 --chain
# tests/vm/chain_test tests chaining, with a kernel that supports it.
if bpftool feature probe kernel 2>/dev/null | grep -q 'program_type ext is NOT'; then
  refused 1 'BPF_PROG_TYPE_EXT' attach decap eth2 --chain
  check "a program that cannot be chained is not attached in another way" \
    bash -c "! ip -n $LAB_PREFIX-director link show eth2 | grep -q xdp"
fi
check "attaching again is success" lab_sluice attach steer eth1
devices() {
  bpftool -j map dump pinned "$LAB_BPFFS/$LAB_INSTANCE/devices" |
    jq -r '.[].key | map(ltrimstr("0x")) | reverse | join("")'
}
ifindex=$(lab_ip director -j link show eth1 | jq '.[0].ifindex')
check_equal "a device with steer is a target for redirects" "$(printf '%08x' "$ifindex")" devices
lab_sluice detach steer eth1 2>/dev/null
check_equal "a device without steer is none" "" devices
lab_sluice attach steer eth1 2>/dev/null
lab_add_ns elsewhere
lab_ip elsewhere link add eth1 type veth peer name eth2
if said=$(lab_sluice_on elsewhere attach steer eth1 2>&1); then said="attached"; fi
check_equal "steer attaches in one network namespace only" "sluice: steer is on device eth1" \
  echo "${said%% of another*}"

# A bridge has no native XDP; a veth device has.
lab_ip director link add br0 type bridge
check_equal "eth1 has steer in native mode" native bash -c \
  "nsenter --net=/run/netns/$LAB_PREFIX-director '$LAB_BUILD/sluice' --instance $LAB_INSTANCE status --json | jq -r '.attachments[] | select(.device == \"eth1\") | .mode'"
lab_sluice attach decap br0 >"$LAB_DIR/out" 2>&1 || true
check "a device without XDP in its driver gets it in generic mode, and the command says so" \
  grep -q 'generic' "$LAB_DIR/out"
refused 1 'br0.*generic mode' attach decap br0 --native

# elsewhere SENTENCE STATUS PATTERN COMMAND...: as refused, for a command in another environment;
# the state is not compared.
elsewhere() {
  local sentence=$1 status=$2 pattern=$3 seen=0 said
  shift 3
  "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err" || seen=$?
  said=$(cat "$LAB_DIR/err")
  if [[ $seen -eq $status && ! -s $LAB_DIR/out && $(wc -l <"$LAB_DIR/err") -eq 1 && $said =~ $pattern ]]; then
    report_ok "$sentence: $said"
  else
    report_not_ok "$sentence" "exit $seen, stdout: $(cat "$LAB_DIR/out"), stderr: $said"
  fi
}
sluice=$LAB_BUILD/sluice
elsewhere "without privilege" 1 'not permitted.*root' \
  setpriv --bounding-set=-all --inh-caps=-all "$sluice" --instance "$LAB_INSTANCE" status
elsewhere "without bpffs" 1 'bpffs.*mount -t bpf' \
  unshare --mount sh -c "umount -l /sys/fs/bpf; mount -t tmpfs none /sys/fs/bpf; exec '$sluice' status"
elsewhere "without BTF" 1 'btf.*CONFIG_DEBUG_INFO_BTF' \
  unshare --mount sh -c "mount -t tmpfs none /sys/kernel/btf; exec '$sluice' --instance $LAB_INSTANCE status"
elsewhere "an instance with an invalid name" 2 'UPPER' "$sluice" --instance UPPER status
elsewhere "an instance that does not exist" 1 'nowhere.*sluice attach' "$sluice" --instance nowhere status

# An instance of another version: its root record has another schema.
root_map=$LAB_BPFFS/$LAB_INSTANCE/instance
as_schema() {
  bpftool -j map lookup pinned "$root_map" key 0 0 0 0 | jq -r --arg first "$1" \
    '[.value[] | ltrimstr("0x")] | ["0x" + $first] + [.[1:][] | "0x" + .] | join(" ")' |
    xargs bpftool map update pinned "$root_map" key 0 0 0 0 value
}
own_schema=$(bpftool -j map lookup pinned "$root_map" key 0 0 0 0 | jq -r '.value[0] | ltrimstr("0x")')
as_schema 63
elsewhere "an instance of another version, read" 1 'version 99' "$sluice" --instance "$LAB_INSTANCE" status
elsewhere "an instance of another version, changed" 1 'version 99' \
  "$sluice" --instance "$LAB_INSTANCE" service add late 10.0.0.9:80/tcp
as_schema "$own_schema"
check "an instance with its own schema again is readable" lab_sluice service show web
elsewhere "the refused command added no service" 2 'late' "$sluice" --instance "$LAB_INSTANCE" service show late

# Concurrent commands: each is atomic and none is lost.
for index in $(seq 20 39); do lab_sluice backend add web "10.0.0.$index:80" 2>/dev/null & done
wait
check_equal "20 concurrent backend add commands add 20 backends" 21 \
  bash -c "'$sluice' --instance $LAB_INSTANCE backend list web --json | jq length"

# bpftool dumps every map with field names; for a map of maps it shows ids, and the inner maps are
# dumped. Exceptions: maps of devices and of programs have no BTF, and socket storage can be read
# only through the socket.
lab_sluice service add prefix 203.0.114.0/24:80/tcp 2>/dev/null
lab_sluice filter deny prefix 198.51.100.0/24 2>/dev/null
unreadable() {
  local map word id
  for map in "$LAB_BPFFS/$LAB_INSTANCE"/*; do
    if [[ -d $map || ${map##*/} == @(devices|tail_calls|paced_sockets) ]]; then continue; fi
    word=("pinned" "$map")
    case ${map##*/} in
      service_tables)
        id=$(bpftool -j map dump pinned "$map" |
          jq -r '.[0].value | [.[] | ltrimstr("0x")] | reverse | join("")')
        word=(id "$((16#$id))") ;;
    esac
    if ! bpftool -j map dump "${word[@]}" >"$LAB_DIR/dump" 2>&1; then
      echo "$map: $(cat "$LAB_DIR/dump")"
    elif ! jq -e 'length == 0 or (.[0] | has("formatted"))' "$LAB_DIR/dump" >/dev/null; then
      echo "$map has no field names"
    fi
  done
}
check_equal "bpftool dumps every map with field names" "" unreadable
report_end
