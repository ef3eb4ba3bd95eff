# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The network of the lab. Sourced by tools/demo and the lab tests. Uses lab.sh (life cycle of a run)
# and servers.sh. All devices are in namespaces of the run.
#
#   client 192.0.2.2 ---------- 192.0.2.1 director 198.51.100.1 --- switch --- server1 198.51.100.11
#          2001:db8:1::2      2001:db8:1::1        2001:db8:2::1          |             2001:db8:2::11
#   far 198.18.0.2 ~linkem~ wan --- 198.18.1.1 client-side third leg      +--- server2 ... .12, ::12
#       2001:db8:3::2               2001:db8:4::1                         +--- server3 ... .13, ::13
#
# Devices: `clients0`, `wan0`, `servers0` on the director, `net0` on every end host, `link0` at both
# ends of the emulated link. The director routes for all hosts. Services have addresses in
# 203.0.113.0/24 and 2001:db8:10::/64, which client and far reach through the director.

# shellcheck source=tests/lab/lib/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=tests/lab/lib/servers.sh
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"

# shellcheck disable=SC2034 # read by the sourcing script
LAB_CLIENT_V4=192.0.2.2
LAB_CLIENT_V6=2001:db8:1::2
LAB_FAR_V4=198.18.0.2
LAB_FAR_V6=2001:db8:3::2
LAB_SERVERS_V4=(unused 198.51.100.11 198.51.100.12 198.51.100.13)
LAB_SERVERS_V6=(unused 2001:db8:2::11 2001:db8:2::12 2001:db8:2::13)
# shellcheck disable=SC2034
LAB_VIP_V4=203.0.113.10 LAB_VIP_V6=2001:db8:10::10
LAB_LINK_PID=

# 1600: a packet of 1500 bytes fits after encapsulation (IPv6 and GUE, 40 + 8 + 4 bytes).
LAB_SEGMENT_MTU=1600

lab_ip() {
  local name=$1
  shift
  ip -n "$LAB_PREFIX-$name" "$@"
}

# accept_dad=0: addresses can be used at once instead of a second later. rp_filter=0: replies under
# direct server return and decapsulated packets arrive on devices that no route to their source
# uses.
lab_add_ns() {
  local name=$1
  shift
  ip netns add "$LAB_PREFIX-$name"
  in_ns "$name" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
    net.ipv6.conf.default.router_solicitations=0 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
    net.ipv4.tcp_no_metrics_save=1 "$@"
  lab_ip "$name" link set lo up
}

# lab_cable NAME DEV NAME DEV MTU: a veth pair. tx off: XDP forwards packets with the checksums that
# they have, so the sender computes them. gro on: it enables NAPI, without which a veth drops
# packets that XDP redirects into it.
lab_cable() {
  local left=$1 left_dev=$2 right=$3 right_dev=$4 mtu=$5
  ip link add "$left_dev" netns "$LAB_PREFIX-$left" mtu "$mtu" type veth \
    peer name "$right_dev" netns "$LAB_PREFIX-$right" mtu "$mtu"
  in_ns "$left" ethtool -K "$left_dev" tx off gro on >/dev/null
  in_ns "$right" ethtool -K "$right_dev" tx off gro on >/dev/null
}

# lab_director_cable DEV NAME PEER-DEV MTU: a cable of the director. The peer gets an XDP program
# that passes all packets: without one, packets that XDP transmits on DEV are lost (pass.bpf.c).
lab_director_cable() {
  local dev=$1 name=$2 peer=$3 mtu=$4 pass=$LAB_DIR/pass.o
  if [[ ! -e $pass ]]; then
    clang -O2 -target bpf -c "${BASH_SOURCE[0]%/*}/pass.bpf.c" -o "$pass" || exit 1
  fi
  lab_cable director "$dev" "$name" "$peer" "$mtu"
  lab_ip "$name" link set "$peer" xdpdrv object "$pass" section xdp
}

lab_address() {
  local name=$1 dev=$2 address
  shift 2
  for address in "$@"; do
    if [[ $address == *:* ]]; then
      lab_ip "$name" -6 address add "$address" dev "$dev" nodad
    else
      lab_ip "$name" address add "$address" dev "$dev"
    fi
  done
  lab_ip "$name" link set "$dev" up
}

# lab_route NAME V4-GATEWAY V6-GATEWAY [OPTION...]: the default routes.
lab_route() {
  local name=$1 v4=$2 v6=$3
  shift 3
  lab_ip "$name" route add default via "$v4" "$@"
  lab_ip "$name" -6 route add default via "$v6" "$@"
}

lab_add_server() {
  local index=$1 name=server$1
  # arp_*: the server must not answer ARP for a service's address on its lo.
  lab_add_ns "$name" net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
  lab_cable switch "port$index" "$name" net0 "$LAB_SEGMENT_MTU"
  lab_ip switch link set "port$index" master segment up
  lab_address "$name" net0 "${LAB_SERVERS_V4[index]}/24" "${LAB_SERVERS_V6[index]}/64"
  # mtu 1500: the links of the clients carry no larger packets.
  lab_route "$name" 198.51.100.1 2001:db8:2::1 mtu 1500
}

# A connection to a closed port is refused: packets pass in both directions.
lab_answers() {
  local name=$1 address=$2 said
  said=$(in_ns "$name" timeout 0.5 bash -c ": </dev/tcp/$address/9" 2>&1) || true
  [[ $said == *"Connection refused"* ]]
}

# A new device can take up to a second until it forwards packets. Waiting here keeps that second out
# of the first measurement.
lab_wait_for_servers() {
  local name=$1 index address
  for index in 1 2 3; do
    for address in "${LAB_SERVERS_V4[index]}" "${LAB_SERVERS_V6[index]}"; do
      lab_until 10 "$name to reach $address" lab_answers "$name" "$address" || exit 1
    done
  done
}

# lab_topology: client, director, switch and three servers. The far client comes with lab_far.
lab_topology() {
  local index
  # accept_local: the director may have a service's address itself and still route replies from it.
  # Forwarding: bpf_fib_lookup requires it.
  lab_add_ns director net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.ipv6.conf.default.forwarding=1 net.ipv4.conf.all.accept_local=1 \
    net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
  # Many short connections from one address: all ports, and reuse of ports in TIME_WAIT.
  lab_add_ns client net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=1
  lab_director_cable clients0 client net0 1500
  lab_address director clients0 192.0.2.1/24 2001:db8:1::1/64
  lab_address client net0 "$LAB_CLIENT_V4/24" "$LAB_CLIENT_V6/64"
  lab_route client 192.0.2.1 2001:db8:1::1

  lab_add_ns switch
  lab_ip switch link add segment mtu "$LAB_SEGMENT_MTU" type bridge stp_state 0 mcast_snooping 0
  lab_director_cable servers0 switch port0 "$LAB_SEGMENT_MTU"
  lab_ip switch link set port0 master segment up
  lab_ip switch link set segment up
  lab_address director servers0 198.51.100.1/24 2001:db8:2::1/64
  for index in 1 2 3; do lab_add_server "$index"; done
  lab_wait_for_servers client
}

# lab_vip ADDRESS NAME...: gives lo of the servers a service's address, which decapsulated packets
# need.
lab_vip() {
  local address=$1 name
  shift
  for name in "$@"; do
    if [[ $address == *:* ]]; then
      lab_ip "$name" -6 address add "$address/128" dev lo nodad
    else
      lab_ip "$name" address add "$address/32" dev lo
    fi
  done
}

lab_link_report() { printf '%s/linkem.json' "$LAB_DIR"; }
lab_link_is_ready() { grep -qx ready "$LAB_DIR/linkem.out"; }

# lab_far RATE RTT [LINKEM-OPTION...]: a far client behind an emulated link; RTT as "40ms". A second
# call replaces the link; the end of each link overwrites lab_link_report.
lab_far() {
  local rate=$1 rtt_ms=${2%ms}
  shift 2
  [[ $rtt_ms =~ ^[0-9]+$ ]] || lab_fail "bad round trip '$rtt_ms' for lab_far: expected milliseconds such as 40ms"
  [[ -x $LAB_BUILD/tools/linkem ]] || lab_fail "no $LAB_BUILD/tools/linkem: build the project first"
  if ! lab_has_ns wan; then
    lab_add_ns wan net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
      net.ipv6.conf.default.forwarding=1
    lab_add_ns far net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=1
    lab_director_cable wan0 wan net0 1500
    lab_address director wan0 198.18.1.1/24 2001:db8:4::1/64
    lab_address wan net0 198.18.1.2/24 2001:db8:4::2/64
    lab_route wan 198.18.1.1 2001:db8:4::1
    lab_ip director route add 198.18.0.0/24 via 198.18.1.2
    lab_ip director -6 route add 2001:db8:3::/64 via 2001:db8:4::2
  fi
  lab_far_down
  # In the namespace `wan`: lab_remove_namespaces then finds the process after a killed run.
  lab_spawn wan "$LAB_BUILD/tools/linkem" \
    --left-netns "$LAB_PREFIX-far" --left-name link0 \
    --right-netns "$LAB_PREFIX-wan" --right-name link0 \
    --rate "$rate" --delay "$((rtt_ms * 500))us" --report "$(lab_link_report)" "$@" \
    >"$LAB_DIR/linkem.out"
  LAB_LINK_PID=$LAB_PID
  lab_until 5 "the emulated link to be ready" lab_link_is_ready || exit 1
  lab_address far link0 "$LAB_FAR_V4/24" "$LAB_FAR_V6/64"
  lab_address wan link0 198.18.0.1/24 2001:db8:3::1/64
  lab_route far 198.18.0.1 2001:db8:3::1
  lab_wait_for_servers far
}

# lab_far_down: ends the emulated link; its report is written.
lab_far_down() {
  if [[ -n $LAB_LINK_PID ]]; then lab_stop "$LAB_LINK_PID"; fi
  LAB_LINK_PID=
}
