# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Measures the receive-window ceiling under direct server return: a far client behind an emulated
# link downloads from a server that steer reaches with ipip. The director never steers the replies.
# Sourced by tests/lab/ceiling_test.sh and tools/ceiling. Uses topology.sh and traffic.sh.

CEILING_SERVICE=bulk
CEILING_SERVICE_V6=bulk6

# ceiling_lab: the director steers; server1 serves without the congestion control of sluice.
ceiling_lab() {
  lab_topology
  lab_far 200mbit 10ms --buffer 2mb
  lab_iperf3_server server1 5201
  lab_vip "$LAB_VIP_V4" server1
  lab_vip "$LAB_VIP_V6" server1
  # Buffers for the largest product of rate and round trip; Linux's defaults are a little too small.
  in_ns far sysctl -qw net.ipv4.tcp_rmem="4096 131072 8388608"
  in_ns server1 sysctl -qw net.ipv4.tcp_wmem="4096 131072 8388608"
  for dev in clients0 servers0 wan0; do lab_sluice attach steer "$dev" 2>/dev/null; done
  lab_sluice_on server1 attach decap net0 2>/dev/null
  lab_sluice service add "$CEILING_SERVICE" "$LAB_VIP_V4:5201/tcp" --mode ipip 2>/dev/null
  lab_sluice service add "$CEILING_SERVICE_V6" "[$LAB_VIP_V6]:5201/tcp" --mode ipip 2>/dev/null
  lab_sluice backend add "$CEILING_SERVICE" "${LAB_SERVERS_V4[1]}:5201" 2>/dev/null
  lab_sluice backend add "$CEILING_SERVICE_V6" "${LAB_SERVERS_V4[1]}:5201" 2>/dev/null
}

# ceiling_offload on|off: checksum offload of the end hosts. With "on" packets leave without
# checksums, because a veth device has no hardware that computes them.
ceiling_offload() {
  in_ns server1 ethtool -K net0 tx "$1" >/dev/null
  in_ns wan ethtool -K net0 tx "$1" >/dev/null
  CEILING_OFFLOAD=$1
}

# Segments and IP headers with a bad checksum, as counted by the end hosts.
ceiling_checksum_errors() {
  local name sum=0 count
  for name in far server1; do
    count=$(in_ns "$name" nstat -asz TcpInCsumErrors IpInHdrErrors 2>/dev/null |
      awk '$1 ~ /^(TcpInCsumErrors|IpInHdrErrors)$/ { n += $2 } END { print n + 0 }')
    sum=$((sum + count))
  done
  echo "$sum"
}

# ceiling_link RATE RTT-MS: replaces the emulated link. CEILING_RTT_MS is the minimum of ten pings:
# one delayed ping on a busy machine shifts the mean by 10 %.
ceiling_link() {
  lab_far "$1" "$2ms" --buffer 2mb
  CEILING_RTT_MS=$(in_ns far ping -q -c 10 -i 0.05 "${LAB_SERVERS_V4[1]}" |
    sed -n 's|^rtt [^=]*= \([^/]*\)/.*|\1|p')
}

# ceiling_case FAMILY KIND MBIT SECONDS: one flow under a ceiling, as a line of JSON. KIND rate: the
# policy limit is a rate; KIND window: it is a window of rate * RTT bytes.
ceiling_case() {
  local family=$1 kind=$2 mbit=$3 seconds=$4 service=$CEILING_SERVICE address=$LAB_VIP_V4
  local before after target window
  if [[ $family == v6 ]]; then service=$CEILING_SERVICE_V6 address=$LAB_VIP_V6; fi
  window=$(awk "BEGIN { printf \"%d\", $mbit * 125 * $CEILING_RTT_MS }")
  if [[ $kind == rate ]]; then
    target=$mbit
    lab_sluice policy set "$service" --window none --window-rate "${mbit}mbit" 2>/dev/null
  else
    target=$(awk "BEGIN { print $window * 8 / $CEILING_RTT_MS / 1000 }")
    lab_sluice policy set "$service" --window-rate none --window "$window" 2>/dev/null
  fi
  before=$(ceiling_checksum_errors)
  lab_bulk_start far ceiling "$seconds" -c "$address" -p 5201 -R -C cubic -O 1
  lab_bulk_wait ceiling
  after=$(ceiling_checksum_errors)
  jq -nc --arg family "$family" --arg kind "$kind" --arg offload "$CEILING_OFFLOAD" \
    --argjson target "$target" --argjson got "$LAB_MBIT" --argjson rtt "$CEILING_RTT_MS" \
    --argjson retransmits "$(jq .end.sum_sent.retransmits "$LAB_DIR/ceiling.json")" \
    --argjson errors $((after - before)) '
    {family: $family, kind: $kind, offload: $offload, rtt_ms: $rtt, target_mbit: $target,
     achieved_mbit: $got, error_percent: (($got / $target - 1) * 1000 | round / 10),
     retransmits: $retransmits, checksum_errors: $errors}'
}

# ceiling_sample NAME DEV FILE: writes "MICROSECONDS BYTES" (received by DEV) about every 5 ms.
ceiling_sample() {
  lab_spawn "$1" bash -c '
    while :; do
      while read -r name bytes _; do
        if [[ $name == "$0:" ]]; then echo "${EPOCHREALTIME/./} $bytes"; fi
      done </proc/self/net/dev
      read -rt 0.005 <> <(:) || true
    done' "$2" >"$3"
  CEILING_SAMPLER=$LAB_PID
}

# ceiling_settled FILE FROM-US MBIT RTT-MS: number of round trips from the first one whose rate
# differs from the old rate to the first of three in a row whose rate is within 10 % of MBIT.
ceiling_settled() {
  awk -v from="$2" -v mbit="$3" -v rtt_us="$4e3" '
    { t[NR] = $1; b[NR] = $2 }
    function at(time,   i) {
      while (cursor < NR && t[cursor + 1] <= time) cursor++
      i = cursor
      if (i < 1 || i >= NR) return b[i < 1 ? 1 : NR]
      return b[i] + (b[i + 1] - b[i]) * (time - t[i]) / (t[i + 1] - t[i])
    }
    function near(x, y) { return x > y * 0.9 && x < y * 1.1 }
    END {
      rtt_us += 0
      cursor = 1
      cursor = 1; b0 = at(from - 10 * rtt_us); b1 = at(from); old = (b1 - b0) * 8 / (10 * rtt_us)
      left = -1
      last = b1
      for (n = 1; n <= 60; n++) {
        now = at(from + n * rtt_us)
        rate[n] = (now - last) * 8 / rtt_us
        last = now
        if (left < 0 && !near(rate[n], old)) left = n
        if (left > 0 && n >= left + 2 && near(rate[n], mbit) && near(rate[n - 1], mbit) &&
            near(rate[n - 2], mbit)) { print n - 2 - left; exit }
      }
      print "null"
    }' "$1"
}

# ceiling_changes: halves and doubles the ceiling of a running flow; one line of JSON for each
# change.
ceiling_changes() {
  local from to at settled
  lab_sluice policy set "$CEILING_SERVICE" --window none --window-rate 50mbit 2>/dev/null
  ceiling_sample far link0 "$LAB_DIR/samples"
  lab_bulk_start far changes 9 -c "$LAB_VIP_V4" -p 5201 -R -C cubic
  sleep 3
  for to in 25 50; do
    from=$((75 - to))
    at=${EPOCHREALTIME/./}
    lab_sluice policy set "$CEILING_SERVICE" --window-rate "${to}mbit" 2>/dev/null
    sleep 2.5
    # The samples count headers: 1448 of 1500 bytes are payload.
    settled=$(ceiling_settled "$LAB_DIR/samples" "$at" "$(awk "BEGIN { print $to * 1500 / 1448 }")" \
      "$CEILING_RTT_MS")
    printf '{"from_mbit": %s, "to_mbit": %s, "round_trips": %s}\n' "$from" "$to" "$settled"
  done
  lab_bulk_wait changes
  lab_stop "$CEILING_SAMPLER"
}
