# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The life of a lab run: begin (sweep what a dead run left, lock the prefix), start processes in
# namespaces, wait for conditions, and end with nothing left behind, also when interrupted.
# Sourced by topology.sh. Everything it makes carries the run's prefix; it never touches the
# machine's own devices, routes or sysctls. Needs root.

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
LAB_BUILD=${SLUICE_BUILD:-$LAB_ROOT/build}
LAB_RUN=/run/sluice-lab
LAB_BPFFS=/sys/fs/bpf

LAB_PREFIX=       # sluice-NAME: in the name of every namespace of this run
LAB_INSTANCE=     # the sluice instance of this run; the same word
LAB_DIR=          # files of this run, gone at the end
LAB_PID=          # the process that lab_spawn started last
LAB_PIDS=()       # every process that this run started and has not stopped
LAB_AT_END=()     # functions of the caller that lab_end runs first
LAB_BPFFS_MOUNTED=

lab_say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
lab_fail() {
  lab_say "$*"
  exit 1
}

lab_ns() { printf '%s-%s' "$LAB_PREFIX" "$1"; }

lab_has_ns() { [[ -e /run/netns/$LAB_PREFIX-$1 ]]; }

# in_ns NAME COMMAND...: runs a program (not a shell function) in the namespace PREFIX-NAME.
# nsenter, because "ip netns exec" mounts a fresh /sys and hides bpffs.
in_ns() {
  local name=$1
  shift
  nsenter --net="/run/netns/$LAB_PREFIX-$name" -- "$@" 200>&-
}

# lab_spawn NAME COMMAND...: the same in the background; LAB_PID is the program's own pid.
lab_spawn() {
  local name=$1
  shift
  nsenter --net="/run/netns/$LAB_PREFIX-$name" -- "$@" 200>&- </dev/null &
  LAB_PID=$!
  LAB_PIDS+=("$LAB_PID")
}

# lab_until SECONDS SENTENCE COMMAND...: waits until the command succeeds; says what it waited for
# and returns 1 when it does not in time. No test sleeps for a time and hopes.
lab_until() {
  local seconds=$1 sentence=$2 deadline
  shift 2
  deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
  until "$@" >/dev/null 2>&1; do
    if ((${EPOCHREALTIME/./} > deadline)); then
      lab_say "waited ${seconds}s in vain for $sentence"
      return 1
    fi
    sleep 0.02
  done
}

lab_gone() { ! kill -0 "$1" 2>/dev/null; }

# lab_stop PID: asks a process of this run to end, insists after five seconds, and reaps it.
lab_stop() {
  local pid=$1 kept=() other
  kill -TERM "$pid" 2>/dev/null || true
  if ! lab_until 5 "process $pid to end" lab_gone "$pid"; then kill -KILL "$pid" 2>/dev/null; fi
  wait "$pid" 2>/dev/null || true
  for other in "${LAB_PIDS[@]}"; do [[ $other == "$pid" ]] || kept+=("$other"); done
  LAB_PIDS=("${kept[@]}")
}

# The instance goes before its namespaces, from inside the director's, where its devices are.
lab_remove_instance() {
  local pinned=$LAB_BPFFS/$LAB_INSTANCE where=()
  [[ -n $LAB_INSTANCE && -d $pinned ]] || return 0
  if lab_has_ns director; then where=(nsenter "--net=/run/netns/$LAB_PREFIX-director" --); fi
  if [[ -x $LAB_BUILD/sluice ]] &&
    "${where[@]}" "$LAB_BUILD/sluice" --instance "$LAB_INSTANCE" instance remove >/dev/null; then
    return 0
  fi
  if [[ -d $pinned ]]; then
    lab_say "sluice could not remove instance $LAB_INSTANCE; removing $pinned by hand"
    rm -rf "$pinned"
  fi
}

lab_ns_is_empty() { [[ -z $(ip netns pids "$1" 2>/dev/null) ]]; }

# Namespaces with this prefix are this prefix's own, and so is whatever still runs inside them.
lab_remove_namespaces() {
  local path name pid
  for path in /run/netns/"$LAB_PREFIX"-*; do
    [[ -e $path ]] || continue
    name=${path##*/}
    for pid in $(ip netns pids "$name" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
    lab_until 5 "the processes in $name to end" lab_ns_is_empty "$name" || true
    ip netns del "$name"
  done
}

lab_mount_bpffs() {
  if [[ $(stat -f -c %T "$LAB_BPFFS" 2>/dev/null) == bpf_fs ]]; then return; fi
  mount -t bpf bpf "$LAB_BPFFS" || lab_fail "cannot mount bpffs at $LAB_BPFFS"
  LAB_BPFFS_MOUNTED=yes
  lab_say "mounted bpffs at $LAB_BPFFS; the end of this run unmounts it if it is empty"
}

# The lock is descriptor 200, which in_ns and lab_spawn close for what they start, lest an orphan
# hold the lock for a run that is dead.
lab_take_lock() {
  local file=$LAB_RUN/$LAB_PREFIX.lock
  while :; do
    mkdir -p "$LAB_RUN"
    exec 200>>"$file"
    # Two seconds: what a killed run had in the foreground may hold the lock a little longer.
    flock -w 2 200 || lab_fail "another run called $LAB_PREFIX is under way"
    # A run that just ended may have removed the file between our open and our lock.
    if [[ /dev/fd/200 -ef $file ]]; then return; fi
  done
}

# lab_begin NAME: from here on the script cleans up after itself on every way out that leaves bash
# a choice; after SIGKILL the next lab_begin of the same name does.
lab_begin() {
  [[ $(id -u) -eq 0 ]] || lab_fail "network namespaces need root: run it with sudo"
  [[ $1 =~ ^[a-z][a-z0-9]{0,19}$ ]] || lab_fail "bad name of a lab run '$1': a-z, then a-z and 0-9, up to 20"
  LAB_PREFIX=sluice-$1
  lab_take_lock
  LAB_INSTANCE=$LAB_PREFIX
  LAB_DIR=$LAB_RUN/$1
  trap lab_end EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  lab_mount_bpffs
  lab_remove_instance
  lab_remove_namespaces
  rm -rf "$LAB_DIR"
  mkdir -p "$LAB_DIR"
}

# Runs once, from the EXIT trap or by hand; the script's exit status stays what it was.
lab_end() {
  local pid hook errexit=$-
  trap '' INT TERM HUP
  trap - EXIT
  set +e
  for hook in "${LAB_AT_END[@]}"; do "$hook"; done
  for pid in "${LAB_PIDS[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${LAB_PIDS[@]}"; do lab_stop "$pid"; done
  lab_remove_instance
  lab_remove_namespaces
  if [[ -n $LAB_BPFFS_MOUNTED && -z $(ls -A "$LAB_BPFFS") ]]; then umount "$LAB_BPFFS"; fi
  rm -rf "$LAB_DIR"
  rm -f "$LAB_RUN/$LAB_PREFIX.lock"
  rmdir "$LAB_RUN" 2>/dev/null
  exec 200>&-
  trap - INT TERM HUP
  if [[ $errexit == *e* ]]; then set -e; fi
}
