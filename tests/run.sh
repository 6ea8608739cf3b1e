#!/usr/bin/env bash
# Sets up what the tests need and passes all of them: formatting, lints, cargo's tests, real clients.
#
#   tests/run.sh                          everything
#   tests/run.sh quick [AREA]             formatting, lints and the tests of a crate's folder (udfs, sql, catalogs, engine,
#                                         engine/server …) or of a folder of tests/slt; without AREA of all crates. No clients, no kills.
#   tests/run.sh slt NAME…                the scripts of tests/slt whose paths hold NAME
#   tests/run.sh record NAME…             writes PostgreSQL's answers into those of tests/slt/postgres
#   RADLAKE_TEST_FULL=1 tests/run.sh      at full size: 5 GB results, 50 kills, a soak of half an hour, a dbt project, R, PostgreSQL's own regression scripts (two hours more)
#
# On Debian as root (or with sudo that asks nothing) missing programs are installed by name; elsewhere the script says what is
# missing, and the tests that need it say that they were skipped. Downloads: crates, and packages of PyPI and npm by version.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" PYTHONDONTWRITEBYTECODE=1
# A part is run again and again after small changes; the whole is not, and what incremental builds keep is large.
case "${1:-}" in
"") export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}" ;;
*) export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-1}" ;;
esac
tools="$CARGO_TARGET_DIR/tests"
mkdir -p "$tools"

say() { printf '\n== %s (%d min)\n' "$*" "$((SECONDS / 60))"; }

# install PROGRAM PACKAGE…: the packages that bring a program, unless it is there.
install() {
    local program="$1" sudo=""
    shift
    command -v "$program" >/dev/null && return
    if [ "$(id -u)" != 0 ]; then
        sudo="sudo -n"
        $sudo true 2>/dev/null || { echo "$program is missing, and we may not install: $*"; return; }
    fi
    command -v apt-get >/dev/null || { echo "$program is missing; install it (Debian: $*)"; return; }
    [ -e "$tools/apt-updated" ] || { $sudo apt-get update -qq && touch "$tools/apt-updated"; } || true
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        echo "$program could not be installed ($*); tests that need it are skipped"
}

# tests_of FOLDER: the programs with the tests of the crate that stands there.
# Everything is built with --workspace --all-targets, always: of a part alone Cargo would choose other features of the same
# dependencies and compile them once more.
tests_of() {
    local built
    built="$(cargo test --workspace --locked --no-run --message-format json-render-diagnostics)" || return 1
    grep -F "\"manifest_path\":\"$PWD/$1/Cargo.toml\"" <<<"$built" |
        sed -n 's/.*"overflow_checks":[a-z]*,"test":true}.*"executable":"\([^"]*\)".*/\1/p'
}

# scripts NAME…: the test that runs them.
scripts() {
    local it
    # They run against the program, which Cargo does not build for tests of another package.
    cargo build --workspace --bin radlake --locked || return 1
    it="$(tests_of tests | grep '/it-')"
    (cd tests && RADLAKE_SLT="$*" "$it" scripts::)
}

# unit FOLDER: the tests of a crate, each program whatever became of the one before it.
unit() {
    local programs program done=0
    programs="$(tests_of "$1")" || return 1
    for program in $programs; do
        (cd "$1" && "$program" -q) || done=1
    done
    return "$done"
}

case "${1:-}" in
slt | record)
    [ "$#" -gt 1 ] || { echo "$0 $1 NAME: a part of the path of a script in tests/slt"; exit 2; }
    [ "$1" = slt ] || export RADLAKE_SLT_RECORD=1
    shift
    scripts "$@"
    exit
    ;;
quick)
    area="${2:-}"
    area="${area%/}"
    cargo fmt --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    if [ -z "$area" ]; then
        cargo test --workspace --locked --lib --bins --no-fail-fast
    elif [ "$area" = tests ]; then
        scripts # Not the kills that stand in the same program.
    elif [ -f "$area/Cargo.toml" ]; then
        unit "$area"
    elif [ -d "tests/slt/${area#tests/slt/}" ]; then
        scripts "${area#tests/slt/}/"
    else
        echo "$area is neither a crate's folder nor one of tests/slt"
        exit 2
    fi
    exit
    ;;
"") ;;
*)
    echo "$0: what is $1? See the first lines of the script"
    exit 2
    ;;
esac

say "programs"
install cc gcc libc6-dev
install psql postgresql-client
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || install initdb postgresql
python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv-is-missing python3 python3-venv
install node nodejs
install npm npm
[ -e /usr/share/java/postgresql.jar ] || install jdbc-is-missing default-jre-headless libpostgresql-jdbc-java
ls /usr/lib/*/odbc/psqlodbcw.so >/dev/null 2>&1 || install odbc-is-missing odbc-postgresql libodbc2
[ "${RADLAKE_TEST_FULL:-}" != 1 ] || install Rscript r-base-core r-cran-rpostgresql

# Each step is run whatever became of those before it, so that one fault hides no other; the last line tells.
failed=()
step() {
    local what="$1"
    shift
    say "$what"
    "$@" || failed+=("$what")
}

# First, since they fail most often.
step "formatting" cargo fmt --check
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings

say "build"
cargo build --workspace --all-targets --locked

step "tests of the crates, SQL scripts, kills" cargo test --workspace --locked --no-fail-fast

say "node-postgres"
export RADLAKE_NODE_MODULES="$tools/node/node_modules"
if command -v npm >/dev/null && ! cmp -s tests/clients/package.json "$tools/node/installed.json"; then
    mkdir -p "$tools/node"
    cp tests/clients/package.json "$tools/node/"
    if (cd "$tools/node" && npm install --silent --no-audit --no-fund --no-package-lock); then
        cp tests/clients/package.json "$tools/node/installed.json"
    else
        echo "node-postgres could not be installed: is npm's registry in reach? Its tests are skipped"
    fi
fi

install_clients() {
    cmp -s tests/clients/requirements.txt "$tools/venv/requirements.txt" && return
    rm -rf "$tools/venv"
    if python3 -m venv "$tools/venv" &&
        "$tools/venv/bin/pip" install -q --disable-pip-version-check -r tests/clients/requirements.txt; then
        cp tests/clients/requirements.txt "$tools/venv/requirements.txt"
    else
        echo "The Python clients could not be installed: is PyPI in reach? Without them no client is tested"
        return 1
    fi
}
step "Python clients" install_clients

clients() {
    RADLAKE_BIN="$CARGO_TARGET_DIR/debug/radlake" "$tools/venv/bin/python" -m pytest tests/clients
}
step "clients: psql, psycopg, asyncpg, JDBC, ODBC, node-postgres, deltalake, polars, pydicom" clients

splitter() {
    "$tools/venv/bin/python" -m pytest -q -p no:cacheprovider tests/regress
}
step "splitting of PostgreSQL's regression scripts" splitter

# It skips itself with a message where PostgreSQL or its source cannot be had.
regression() {
    RADLAKE_BIN="$CARGO_TARGET_DIR/debug/radlake" "$tools/venv/bin/python" tests/regress --out "$tools/regress"
}
[ "${RADLAKE_TEST_FULL:-}" != 1 ] || step "PostgreSQL's own regression scripts" regression

if [ "${#failed[@]}" -gt 0 ]; then
    say "failed"
    printf '%s\n' "${failed[@]}"
    exit 1
fi
say "all passed"
