#!/bin/bash
# Runs every fuzzer for a time: `fuzz.sh FOLDER SECONDS`, where FOLDER holds the programs NAME_fuzz. Each
# starts from fuzz/corpus/NAME and keeps what it learns in FOLDER/corpus/NAME. A crash ends the run; its input
# is kept in FOLDER/crashes/ and should go into fuzz/corpus/NAME together with the fix.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$1
seconds=$2
count=0

for fuzzer in "$folder"/*_fuzz; do
    [[ -x $fuzzer ]] || continue
    name=$(basename "$fuzzer" _fuzz)
    mkdir -p "$folder/corpus/$name" "$folder/crashes"
    corpora=("$folder/corpus/$name")
    if [[ -d $root/fuzz/corpus/$name ]]; then corpora+=("$root/fuzz/corpus/$name"); fi
    echo "fuzz: $name for $seconds s" >&2
    "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder/crashes/$name-" "${corpora[@]}"
    count=$((count + 1))
done
if [[ $count -eq 0 ]]; then
    echo "fuzz: no fuzzer was found in $folder" >&2
    exit 1
fi
