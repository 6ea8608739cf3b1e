#!/usr/bin/env bash
# Makes what is installed: a wheel for pip and a Debian package, both with the binary.
#
#   packaging/build.sh [wheel|deb|all] [--binary PATH] [--out DIR]
#
#   --binary PATH     packs this binary; without it one is built with the profile RADLAKE_PROFILE (default: release)
#   --out DIR         where packages go (default: packages/ in Cargo's target folder)
#   MATURIN           maturin's program; without it the version of pyproject.toml is installed into Cargo's target folder
#
# cargo-deb is installed by Cargo if it is missing. The image is packaging/Dockerfile's.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
profile="${RADLAKE_PROFILE:-release}"
out="$CARGO_TARGET_DIR/packages" what=all binary=""

fail() {
    echo "$0: $*" >&2
    exit 2
}

while [ "$#" -gt 0 ]; do
    case "$1" in
    wheel | deb | all) what="$1" ;;
    --binary | --out)
        [ "$#" -gt 1 ] || fail "$1 needs a path"
        [ "$1" = --out ] && out="$2" || binary="$2"
        shift
        ;;
    *) fail "what is $1? See the first lines of the script" ;;
    esac
    shift
done
mkdir -p "$out"
out="$(realpath "$out")"

if [ -z "$binary" ]; then
    case "$profile" in dev | test) folder=debug ;; *) folder="$profile" ;; esac
    # Of the whole workspace, as tests/run.sh builds, so that what is built already is taken.
    cargo build --profile "$profile" --locked --workspace --bin radlake
    binary="$CARGO_TARGET_DIR/$folder/radlake"
fi
[ -x "$binary" ] || fail "$binary is not a program: build it, or name another with --binary"
binary="$(realpath "$binary")"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# maturin as MATURIN says, or of the version that pyproject.toml wants.
maturin() {
    local venv="$CARGO_TARGET_DIR/packaging/venv" wanted
    if [ -z "${MATURIN:-}" ]; then
        wanted="$(sed -n 's/^requires = \["maturin==\(.*\)"\]/\1/p' pyproject.toml)"
        MATURIN="$venv/bin/maturin"
        if [ "$("$MATURIN" --version 2>/dev/null)" != "maturin $wanted" ]; then
            python3 -m venv "$venv"
            "$venv/bin/pip" install -q --disable-pip-version-check "maturin==$wanted"
        fi
    fi
    "$MATURIN" "$@"
}

wheel() {
    # Debug information would make deflating a dev build take minutes.
    local pack=(--compression-method deflated)
    [ "$profile" = release ] || pack=(--compression-method stored)
    # No repair: there is no library to bring along but the C library, and the wheel's tag tells which one it needs.
    CARGO="$PWD/packaging/cargo-with-binary" RADLAKE_PACK_BINARY="$binary" CARGO_TARGET_DIR="$scratch/wheel" \
        maturin build --release --auditwheel check --out "$out" "${pack[@]}"
}

deb() {
    command -v cargo-deb >/dev/null || cargo install cargo-deb --locked
    # A target folder of its own, in which nothing but what is packed stands.
    local made="$scratch/deb/release"
    mkdir -p "$made/packaging/completions"
    cp "$binary" "$made/radlake"
    "$binary" man "$made/packaging/man"
    "$binary" completions bash >"$made/packaging/completions/radlake.bash"
    "$binary" completions zsh >"$made/packaging/completions/_radlake"
    "$binary" completions fish >"$made/packaging/completions/radlake.fish"
    local fast=()
    [ "$profile" = release ] || fast=(--fast)
    CARGO_TARGET_DIR="$scratch/deb" cargo deb --no-build "${fast[@]}" --locked --package radlake-server --output "$out/"
}

[ "$what" = deb ] || wheel
[ "$what" = wheel ] || deb
ls -l "$out"
