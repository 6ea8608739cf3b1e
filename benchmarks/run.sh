#!/usr/bin/env bash
# Builds Radlake in release, prepares the peers in a Python environment under the build folder, and runs every benchmark.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --release -p radlake-server -p radlake-benchmarks
environment="$target/benchmarks-python"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet -r benchmarks/peers/requirements.txt
"$target/release/radlake-benchmarks" headers --python "$environment/bin/python" "$@"
"$target/release/radlake-benchmarks" idc --radlake "$target/release/radlake" --python "$environment/bin/python"
"$target/release/radlake-benchmarks" commits --radlake "$target/release/radlake" --python "$environment/bin/python"
"$target/release/radlake-benchmarks" upkeep
"$target/release/radlake-benchmarks" vectors
"$environment/bin/python" benchmarks/peers/volumes.py --radlake "$target/release/radlake"
"$environment/bin/python" benchmarks/peers/transfer.py --radlake "$target/release/radlake"
