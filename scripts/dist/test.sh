#!/bin/bash
# Tries what `make dist` has left in OUT: makes the same commit again from a clone in another folder, and gives both archives to
# tests/dist/releases_test.py. Changes that are not committed are not in the clone, so that it wants none.
set -euo pipefail

out=$(cd "$1" && pwd)
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [[ -n $(git -C "$source" status --porcelain) ]]; then
    echo "test-dist: there are changes that are not committed: commit them, so that a clone has them too" >&2
    exit 2
fi

clone=$(mktemp -d "${TMPDIR:-/tmp}/assay-again-XXXXXX")
trap 'rm -rf "$clone"' EXIT
git clone --quiet --no-hardlinks "$source" "$clone/elsewhere"
ln -s "$(readlink -f "$source/.deps")" "$clone/elsewhere/.deps"
"$clone/elsewhere/scripts/dist/dist.py" make

archive=$(echo "$out"/assay-*.tar.zst)
cmake --build "$source/build-dist" --target fake_backend
ASSAY_SOURCE=$source ASSAY_BUILD=$source/build-dist ASSAY_FAKE_BACKEND=$source/build-dist/tests/fake_backend/libggml-fake.so \
    python3 "$source/tests/dist/releases_test.py" "$archive" \
    --second "$clone/elsewhere/build-dist/out/$(basename "$archive")" --roots "$source/build-dist/roots"
