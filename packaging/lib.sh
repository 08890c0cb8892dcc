# Shared by the scripts that try a package out: the program to pack, mail through the four doors, counting.
# shellcheck shell=bash
. "$(dirname "${BASH_SOURCE[0]}")/../tests/clients/lib.sh"
packaging=$repo/packaging

# find_static: a program that needs no library, since an empty image has none. musl's where its target can be had, else
# glibc's, whose resolver would want libraries for the names of other machines; doorpost asks for none. Sets static and triple.
find_static() {
  local cargo=${CARGO:-cargo} profile=${PROFILE:-dev} out=debug flags=
  [ -z "${STATIC:-}" ] || { static=$(realpath "$STATIC") && return; }
  triple=x86_64-unknown-linux-musl
  case $(uname -m) in
  aarch64) triple=aarch64-unknown-linux-musl ;;
  esac
  if rustup target add "$triple" >"$rooms/rustup.log" 2>&1; then
    packages musl-gcc=musl-tools
  else
    triple=${triple%musl}gnu flags='-C target-feature=+crt-static'
  fi
  [ "$profile" = dev ] || out=$profile
  echo "building for $triple ($profile)" >&2
  RUSTFLAGS="${RUSTFLAGS:-} $flags" "$cargo" build --quiet --locked --bin doorpost --target "$triple" \
    --profile "$profile" --manifest-path "$repo/Cargo.toml" || die "the static program does not build"
  static=${CARGO_TARGET_DIR:-$repo/target}/$triple/$out/doorpost
}

# shortened FILE OUT: a copy without what only a debugger reads.
shortened() {
  if command -v strip >/dev/null; then strip -o "$2" "$1"; else cp "$1" "$2"; fi
}


# deliver CA WEB NAME [PORT...]: mail through the four doors, each a check.
deliver() {
  local verdict what
  while read -r verdict what; do
    case $verdict in
    ok) ok "$what, at $3" ;;
    FAIL) fail "$what, at $3" "$tmp/server.log" ;;
    *) echo "     $verdict $what" ;;
    esac
  done < <("$python" "$packaging/deliver.py" "$@" 2>&1 || echo "FAIL deliver.py broke off")
}

# find_cargo_deb: cargo-deb, from crates.io if it is not here.
find_cargo_deb() {
  cargo_deb=$(command -v cargo-deb || echo "$rooms/cargo-deb/bin/cargo-deb")
  [ -x "$cargo_deb" ] || CARGO_TARGET_DIR=$rooms/cargo-deb/target "${CARGO:-cargo}" install --quiet --locked --debug \
    --root "$rooms/cargo-deb" --version '^3' cargo-deb >"$rooms/cargo-deb.log" 2>&1 ||
    { tail -20 "$rooms/cargo-deb.log" >&2 && die "cargo-deb does not build"; }
}
