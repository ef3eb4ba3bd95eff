# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Servers for the lab: nginx and iperf3, each in a namespace, as a child of the run and with its
# files in the run's directory. Uses lab.sh; sourced by topology.sh.

# lab_listens NAME PORT: a TCP socket listens on the port.
lab_listens() { [[ -n $(in_ns "$1" ss -Hltn "sport = :$2") ]]; }

# The file that every nginx serves at /bulk. It is sparse: it takes neither memory nor disk.
lab_bulk_file() {
  local file=$LAB_DIR/www/bulk
  if [[ ! -e $file ]]; then
    mkdir -p "$LAB_DIR/www"
    truncate -s "${LAB_BULK_SIZE:-1G}" "$file"
  fi
}

# lab_nginx NAME INDEX PORT...: answers "serverINDEX" at /, a bulk file at /bulk; LAB_PID is its
# pid.
lab_nginx() {
  local name=$1 index=$2 port dir
  shift 2
  dir=$LAB_DIR/nginx-$name-$1
  mkdir -p "$dir"
  lab_bulk_file
  {
    cat <<END
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 65536;
pid $dir/pid;
error_log $dir/error.log;
events { worker_connections 16384; multi_accept on; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  default_type text/plain;
  keepalive_timeout 300;
  keepalive_requests 1000000000;
  client_body_temp_path $dir/body;
  proxy_temp_path $dir/proxy;
  fastcgi_temp_path $dir/fastcgi;
  uwsgi_temp_path $dir/uwsgi;
  scgi_temp_path $dir/scgi;
  server {
END
    for port in "$@"; do
      printf '    listen 0.0.0.0:%s backlog=4096;\n    listen [::]:%s backlog=4096;\n' "$port" "$port"
    done
    cat <<END
    location = / { return 200 "server$index\n"; }
    location = /bulk { root $LAB_DIR/www; }
  }
}
END
  } >"$dir/nginx.conf"
  lab_spawn "$name" nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf"
  for port in "$@"; do
    lab_until 5 "nginx on port $port in $name" lab_listens "$name" "$port" ||
      lab_fail "nginx did not start in $name: $(tail -n 3 "$dir/error.log")"
  done
}

# lab_iperf3_server NAME [PORT]: serves one test at a time; LAB_PID is its pid.
lab_iperf3_server() {
  local name=$1 port=${2:-5201}
  lab_spawn "$name" iperf3 -s -p "$port" >"$LAB_DIR/iperf3-$name-$port.log" 2>&1
  lab_until 5 "iperf3 on port $port in $name" lab_listens "$name" "$port" || exit 1
}

# lab_iperf3_mbit NAME OPTION...: runs an iperf3 client in a namespace and prints the goodput in
# Mbit/s.
lab_iperf3_mbit() {
  local name=$1
  shift
  in_ns "$name" iperf3 --json "$@" | jq -r 'if .error then .error else
    .end.sum_received.bits_per_second / 1e6 end'
}
