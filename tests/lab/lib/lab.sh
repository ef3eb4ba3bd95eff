# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The life cycle of a lab run: begin (lock the prefix, remove the remains of a killed run), start
# processes in namespaces, wait for conditions, and remove everything at the end, also after a
# signal. Sourced by topology.sh. All names carry the run's prefix; devices, routes and sysctls of
# the machine itself are not touched. Needs root.

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
LAB_BUILD=${SLUICE_BUILD:-$LAB_ROOT/build}
LAB_RUN=/run/sluice-lab
LAB_BPFFS=/sys/fs/bpf

LAB_PREFIX=       # sluice-NAME: the name of every namespace of this run starts with it
LAB_INSTANCE=     # the sluice instance of this run, equal to LAB_PREFIX
LAB_DIR=          # files of this run; lab_end removes the folder
LAB_PID=          # the process that lab_spawn started last
LAB_PIDS=()       # processes that this run started and has not stopped
LAB_AT_END=()     # functions of the caller; lab_end runs them first
LAB_BPFFS_MOUNTED=

lab_say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
lab_fail() {
  lab_say "$*"
  exit 1
}

lab_ns() { printf '%s-%s' "$LAB_PREFIX" "$1"; }

lab_has_ns() { [[ -e /run/netns/$LAB_PREFIX-$1 ]]; }

# in_ns NAME COMMAND...: runs a program (not a shell function) in the namespace PREFIX-NAME.
# nsenter: "ip netns exec" mounts a new /sys, which hides bpffs.
in_ns() {
  local name=$1
  shift
  nsenter --net="/run/netns/$LAB_PREFIX-$name" -- "$@" 200>&-
}

# lab_spawn NAME COMMAND...: the same in the background; LAB_PID is the pid of the program.
lab_spawn() {
  local name=$1
  shift
  nsenter --net="/run/netns/$LAB_PREFIX-$name" -- "$@" 200>&- </dev/null &
  LAB_PID=$!
  LAB_PIDS+=("$LAB_PID")
}

# lab_until SECONDS SENTENCE COMMAND...: waits until the command succeeds. After SECONDS it prints
# SENTENCE and returns 1. Tests wait with this instead of a fixed sleep.
lab_until() {
  local seconds=$1 sentence=$2 deadline
  shift 2
  deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
  until "$@" >/dev/null 2>&1; do
    if ((${EPOCHREALTIME/./} > deadline)); then
      lab_say "gave up after ${seconds} s waiting for $sentence"
      return 1
    fi
    sleep 0.02
  done
}

lab_gone() { ! kill -0 "$1" 2>/dev/null; }

# lab_stop PID: sends SIGTERM to a process of this run, SIGKILL after five seconds, and reaps it.
lab_stop() {
  local pid=$1 kept=() other
  kill -TERM "$pid" 2>/dev/null || true
  if ! lab_until 5 "process $pid to end" lab_gone "$pid"; then kill -KILL "$pid" 2>/dev/null; fi
  wait "$pid" 2>/dev/null || true
  for other in "${LAB_PIDS[@]}"; do [[ $other == "$pid" ]] || kept+=("$other"); done
  LAB_PIDS=("${kept[@]}")
}

# Removes the instance before the namespaces, inside the director's namespace, which has its
# devices.
lab_remove_instance() {
  local pinned=$LAB_BPFFS/$LAB_INSTANCE where=()
  [[ -n $LAB_INSTANCE && -d $pinned ]] || return 0
  if lab_has_ns director; then where=(nsenter "--net=/run/netns/$LAB_PREFIX-director" --); fi
  if [[ -x $LAB_BUILD/sluice ]] &&
    "${where[@]}" "$LAB_BUILD/sluice" --instance "$LAB_INSTANCE" instance remove >/dev/null; then
    return 0
  fi
  if [[ -d $pinned ]]; then
    lab_say "sluice could not remove instance $LAB_INSTANCE; removing $pinned with rm"
    rm -rf "$pinned"
  fi
}

lab_ns_is_empty() { [[ -z $(ip netns pids "$1" 2>/dev/null) ]]; }

# Removes all namespaces with this prefix, and kills the processes inside them.
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
  lab_say "mounted bpffs at $LAB_BPFFS; lab_end unmounts it if it is empty"
}

# The lock is file descriptor 200. in_ns and lab_spawn close it for their commands: an orphan must
# not hold the lock after the run has died.
lab_take_lock() {
  local file=$LAB_RUN/$LAB_PREFIX.lock
  while :; do
    mkdir -p "$LAB_RUN"
    exec 200>>"$file"
    # Two seconds: the foreground command of a killed run may hold the lock a little longer.
    flock -w 2 200 || lab_fail "another run called $LAB_PREFIX is active"
    # A run that ended at this moment may have removed the file between open and flock.
    if [[ /dev/fd/200 -ef $file ]]; then return; fi
  done
}

# lab_begin NAME: from here on the EXIT trap removes everything, also after SIGINT, SIGTERM and
# SIGHUP. After SIGKILL the next lab_begin of the same name does.
lab_begin() {
  [[ $(id -u) -eq 0 ]] || lab_fail "network namespaces need root: run it with sudo"
  [[ $1 =~ ^[a-z][a-z0-9]{0,19}$ ]] || lab_fail "bad name of a lab run '$1': expected a letter, then up to 19 of a-z and 0-9"
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

# Runs once, from the EXIT trap or called by the script; the exit status of the script is kept.
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
