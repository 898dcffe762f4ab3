#!/bin/bash
# Checks layout and lints, changing nothing: clang-format, clang-tidy (from build-lint/compile_commands.json), and,
# where they apply, shellcheck and the type check of TypeScript. Runs all of them, then fails if any did.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
failed=()

only=${1:-}

# check NAME COMMAND...: runs it, unless another one was asked for, and remembers a failure.
check() {
    if [[ -n $only && $only != "$1" ]]; then return; fi
    echo "lint: $1" >&2
    "${@:2}" || failed+=("$1")
}

format() {
    scripts/sources.sh cc | xargs -0 clang-format-19 --dry-run --Werror
}

tidy() {
    # One process a core; only files that the build knows, since a file's flags come from there.
    scripts/sources.sh cc | grep -z '\.cc$' | while IFS= read -r -d '' file; do
        if grep -qF "/$file\"" build-lint/compile_commands.json; then printf '%s\0' "$file"; fi
    done | xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p build-lint --quiet
}

shell() {
    scripts/sources.sh sh | xargs -0 shellcheck
}

check clang-format format
check clang-tidy tidy
if command -v shellcheck >/dev/null; then check shellcheck shell; fi
# The build's own configuration: it knows where the packages lie.
check typescript .deps/npm/node_modules/.bin/tsc --noEmit --project build-lint/web/tsconfig.json

if [[ ${#failed[@]} -gt 0 ]]; then
    echo "lint: failed: ${failed[*]}" >&2
    exit 1
fi
