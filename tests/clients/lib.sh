# Shared by run and load: installing the clients, starting the server, counting the checks.
# shellcheck shell=bash disable=SC2034

export LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
rooms=${CLIENTS_DIR:-${CARGO_TARGET_DIR:-$repo/target}/clients} # what is installed or compiled, kept between runs
mkdir -p "$rooms"
rooms=$(cd "$rooms" && pwd)
tmp=$(mktemp -d)
chmod 755 "$tmp"
export TMPDIR=$tmp BODY=$here/body.txt NODE_ROOMS=$rooms/node JAVA_ROOMS=$rooms/java

passed=0 failed=0 server=

leave() {
  stop_server
  rm -rf "$tmp"
}
trap leave EXIT
trap 'exit 130' INT TERM

die() {
  echo "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# --- what is needed -------------------------------------------------------------------------------------------------

# packages PROBE=PACKAGE...: install the Debian packages whose probe is missing, in one go. A probe is a command, a file,
# or perl:MODULE.
packages() {
  local missing=() pair probe
  for pair in "$@"; do
    probe=${pair%%=*}
    case $probe in
    /*) [ -e "$probe" ] ;;
    perl:*) perl -M"${probe#perl:}" -e 1 2>/dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin command -v "$probe" >/dev/null ;;
    esac || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}" >&2
  {
    as_root apt-get update
    # No configuration: Postfix's package then starts no service and listens nowhere.
    if [[ " ${missing[*]} " == *" postfix "* ]]; then
      echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
  } >"$rooms/packages.log" 2>&1 || { tail -20 "$rooms/packages.log" >&2 && die "apt-get failed"; }
}

# find_python: the interpreter itself, since what a version manager puts in front of it costs more than a check.
find_python() {
  python=$(python3 -c 'import sys; print(sys.executable)')
}

# --- the server -----------------------------------------------------------------------------------------------------

find_doorpost() {
  local target=${CARGO_TARGET_DIR:-$repo/target} candidate
  for candidate in "${DOORPOST:-}" "$target/debug/doorpost" "$target/release/doorpost"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      doorpost=$(realpath "$candidate")
      return
    fi
  done
  die "no doorpost: build it with cargo build, or name it in DOORPOST"
}

# start_server OPTION...: start doorpost on ports that the system chooses; sets web, ca, and answers door_port.
start_server() {
  rm -f "$tmp/ready" # the one before has said where it was
  # In an empty folder, where no doorpost.toml is picked up.
  (cd "$tmp" && exec "$doorpost" serve --ports ephemeral --ready json --certs "$tmp/certs" "$@") \
    >"$tmp/ready" 2>"$tmp/server.log" &
  server=$!
  local waited=0
  until [ -s "$tmp/ready" ]; do
    if ! kill -0 "$server" 2>/dev/null || [ $((waited += 1)) -gt 300 ]; then
      cat "$tmp/server.log" >&2
      die "doorpost did not start"
    fi
    sleep 0.1
  done
  web=$(ready 'it["web"]')
  ca=$(ready 'it["ca"]')
}

# ready EXPRESSION: a value of the ready line.
ready() {
  "$python" -c "import json, sys; it = json.load(sys.stdin); print($1)" <"$tmp/ready"
}

door_port() {
  ready "it['doors']['$1']['address'].rpartition(':')[2]"
}

# stop_server: SIGTERM, and SIGKILL after ten seconds. 0 if it ended by itself with exit code 0.
stop_server() {
  [ -n "$server" ] || return 0
  local pid=$server status=0 waited=0
  server=
  kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    if [ $((waited += 1)) -gt 100 ]; then
      kill -9 "$pid" 2>/dev/null
      break
    fi
    sleep 0.1
  done
  wait "$pid" 2>/dev/null || status=$?
  return $status
}

# --- the checks -----------------------------------------------------------------------------------------------------

ok() {
  passed=$((passed + 1))
  echo "ok   $*"
}

# fail WHAT [FILE...]: a check that failed, with the ends of the files that say why.
fail() {
  failed=$((failed + 1))
  echo "FAIL $1"
  shift
  local file
  for file in "$@"; do
    [ -s "$file" ] || continue
    echo "     --- ${file##*/}"
    tail -n 30 "$file" | cut -c1-300 | sed 's/^/     /'
  done
}

summary() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
