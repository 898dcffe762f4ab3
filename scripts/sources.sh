#!/bin/bash
# Lists the project's own sources, separated by NUL, for `make format` and `make lint`: `sources.sh cc|sh`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
folders=()
for folder in src tests fuzz bench scripts .ci; do
    if [[ -d $folder ]]; then folders+=("$folder"); fi
done
case ${1:-} in
    cc) find "${folders[@]}" -type f \( -name '*.cc' -o -name '*.h' \) -print0 ;;
    sh) find "${folders[@]}" -type f \( -name '*.sh' -o -path .ci/run \) -print0 ;;
    *)
        echo "usage: sources.sh cc|sh" >&2
        exit 2
        ;;
esac
