# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A server with a paced service and a client that measures the arriving packets, on one cable.
# Sourced by the tests of tests/vm, whose kernels have fq, by sockets_test.sh and by tools/bench
# pace.
#
#   director 10.9.0.1, 2001:db8:9::1  net0 --- net0  client 10.9.1.1 to .4, 2001:db8:9:1::1 to ::4

# shellcheck source=tests/lab/lib/topology.sh
. "$(dirname "${BASH_SOURCE[0]}")/topology.sh"
# shellcheck source=tests/lab/lib/traffic.sh
. "$(dirname "${BASH_SOURCE[0]}")/traffic.sh"

# shellcheck disable=SC2034 # read by the sourcing script
PACED_FIGURES=

# paced_begin RUN: both hosts and two services without policies, bulk and bulk6.
paced_begin() {
  lab_begin "$1"
  lab_add_ns director
  lab_add_ns client
  lab_cable director net0 client net0 1500
  lab_address director net0 10.9.0.1/16 2001:db8:9::1/48
  lab_address client net0 10.9.1.{1,2,3,4}/16 2001:db8:9:1::{1,2,3,4}/48
  paced_sluice service add bulk 10.9.0.1:5201/tcp
  paced_sluice service add bulk6 '[2001:db8:9::1]:5201/tcp'
}

# paced_sluice ARGUMENT...: shows the output of sluice only if it fails.
paced_sluice() {
  lab_sluice "$@" >"$LAB_DIR/said" 2>&1 || { cat "$LAB_DIR/said" >&2; return 1; }
}

# paced_attach OPTION...: gso-max-segs 1, because a packet of several segments leaves as one burst.
paced_attach() { paced_sluice attach pace net0 --gso-max-segs 1 "$@"; }

paced_has_fq() { in_ns director tc qdisc replace dev net0 root fq; }

# paced_flows 4|6 OPTION...: runs bench_pace_flows; PACED_FIGURES is its JSON.
paced_flows() {
  local family=$1 server=10.9.0.1:5201 clients=(--client 10.9.1.1)
  shift
  if [[ $family == 6 ]]; then
    server='[2001:db8:9::1]:5201' clients=(--client 2001:db8:9:1::1)
  fi
  if [[ $* == *--client\ * ]]; then clients=(); fi
  PACED_FIGURES=$(in_ns director "$LAB_BUILD/tools/bench_pace_flows" --server "$server" \
    --client-netns "$LAB_PREFIX-client" --client-device net0 "${clients[@]}" "$@")
}

# paced_figure JQ-FILTER: one figure of PACED_FIGURES.
paced_figure() { jq -r "$1" <<<"$PACED_FIGURES"; }
