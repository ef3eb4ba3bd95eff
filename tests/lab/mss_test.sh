#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The service option mss: uploads through a tunnel to a server whose segment carries no longer
# packets than the client's, past a client that receives no "packet too big".
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lib/topology.sh
. "$here/lib/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$here/lib/traffic.sh"
# shellcheck source=tests/lab/lib/report.sh
. "$here/lib/report.sh"

# A full packet of the client does not fit once it has an outer header.
LAB_SEGMENT_MTU=1500
lab_begin mss
lab_topology
clang -O2 -target bpf -c "$here/lib/blackhole.bpf.c" -o "$LAB_DIR/blackhole.o"
lab_ip client link set net0 xdpdrv off
lab_ip client link set net0 xdpdrv object "$LAB_DIR/blackhole.o" section xdp

lab_vip "$LAB_VIP_V4" server1
lab_vip "$LAB_VIP_V6" server1
for dev in clients0 servers0; do lab_sluice attach steer "$dev" 2>/dev/null; done
lab_sluice_on server1 attach decap net0 2>/dev/null
lab_sluice_on server1 attach pace net0 2>/dev/null

# serve NAME ADDRESS PORT MODE BACKEND: a service, and a server of it that counts what it receives.
serve() {
  lab_spawn server1 socat -u "$([[ $2 == *:* ]] && echo TCP6 || echo TCP4)-LISTEN:$3,fork,reuseaddr" \
    "SYSTEM:wc -c >>$LAB_DIR/received"
  lab_until 5 "socat on port $3 in server1" lab_listens server1 "$3"
  lab_sluice service add "$1" "$([[ $2 == *:* ]] && echo "[$2]" || echo "$2"):$3/tcp" --mode "$4" 2>/dev/null
  lab_sluice backend add "$1" "$5:$3" 2>/dev/null
}
serve four "$LAB_VIP_V4" 5300 ipip "${LAB_SERVERS_V4[1]}"
serve six "$LAB_VIP_V6" 5301 gue "[${LAB_SERVERS_V6[1]}]"
serve full "$LAB_VIP_V4" 5302 snat "${LAB_SERVERS_V4[1]}"

bytes=1000000
# uploads ADDRESS PORT: does a megabyte arrive within five seconds?
received() { [[ $(cat "$LAB_DIR/received" 2>/dev/null) == "$bytes" ]]; }
uploads() {
  local address=$1
  [[ $address != *:* ]] || address="[$address]"
  rm -f "$LAB_DIR/received"
  in_ns client timeout 5 bash -c "head -c $bytes /dev/zero | socat -u - TCP:$address:$2" || true
  lab_until 1 "all bytes" received 2>/dev/null
}
stalls() { ! uploads "$@"; }

check "an upload through ipip stalls without the option" stalls "$LAB_VIP_V4" 5300
check "an upload through gue over IPv6 stalls without the option" stalls "$LAB_VIP_V6" 5301
for name in four six; do
  check "the option is set while $name has a backend" lab_sluice service set $name --mss auto
done
check "with --mss auto the upload through ipip arrives" uploads "$LAB_VIP_V4" 5300
check "with --mss auto the upload through gue over IPv6 arrives" uploads "$LAB_VIP_V6" 5301
check "it is taken back" lab_sluice service set four --mss none
check "then the upload stalls again" stalls "$LAB_VIP_V4" 5300

# The server's segments, and the client's, as the kernels of both see it. 12 bytes are timestamps.
check "the option of a service of mode snat is set" lab_sluice service set full --mss 1000
in_ns client socat -u "EXEC:sleep 5" "TCP:$LAB_VIP_V4:5302" &
client=$!
mss_of() { in_ns "$1" ss -Htino state established "( sport = :5302 or dport = :5302 )" | grep -o ' mss:[0-9]*'; }
lab_until 5 "the connection" mss_of server1 >/dev/null
check_equal "the server sends segments of 1000 bytes" " mss:988" mss_of server1
check_equal "the client sends segments of 1000 bytes" " mss:988" mss_of client
kill "$client" 2>/dev/null || true
wait "$client" 2>/dev/null || true
report_end
