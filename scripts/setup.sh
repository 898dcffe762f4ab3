#!/bin/bash
# Makes a Debian machine ready: `setup.sh build` for building and running assay, `setup.sh test` for the tests
# too. Installs the Debian packages of scripts/packages.txt that are missing (as root; anybody else is told
# which, exit 2) and lets scripts/fetch.sh fill .deps/. On a machine that is ready it takes a blink and needs
# no network.
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The packages wanted for a use ('build' or 'test', which includes 'build'), without those a command stands in
# for.
wanted() {
    local package use unless _
    while read -r package use unless _; do
        [[ -n $package && $package != '#'* ]] || continue
        [[ $use == build || $1 == test ]] || continue
        if [[ $unless != - ]] && command -v "$unless" >/dev/null; then continue; fi
        echo "$package"
    done <"$scripts/packages.txt"
}

# Those of the given packages that are not installed.
missing_of() {
    # dpkg-query fails when it has never heard of one of them; that one is then simply not in its answer.
    comm -23 <(printf '%s\n' "$@" | sort) \
        <(dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
            sed -n 's/ installed$//p' | sort)
}

install_missing() {
    local packages missing
    mapfile -t packages < <(wanted "$1")
    if ! command -v dpkg-query >/dev/null; then
        echo "setup: this is no Debian machine; these packages, by whatever name, must be there:" >&2
        echo "  ${packages[*]}" >&2
        return
    fi
    mapfile -t missing < <(missing_of "${packages[@]}")
    [[ ${#missing[@]} -gt 0 ]] || return 0

    if [[ $EUID -ne 0 ]]; then
        {
            echo "setup: ${#missing[@]} Debian packages are missing and only root may install them."
            echo "Run this, then try again:"
            echo "  sudo apt-get update && sudo apt-get install --no-install-recommends ${missing[*]}"
        } >&2
        exit 2
    fi
    echo "setup: installing ${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3) log
    log=$(mktemp)
    # Quiet unless it fails: hundreds of lines about unpacking help nobody.
    if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        echo "setup: apt-get could not install them (log: $log). Repair that, then try again." >&2
        exit 2
    fi
    rm -f "$log"
}

# Debian 12's Node is the oldest that the web tools run on.
check_node() {
    local major
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    if [[ $major -lt 18 ]]; then
        echo "setup: $(command -v node) is version $major, but 18 or newer is needed." \
            "Update it or put a newer one first in PATH." >&2
        exit 2
    fi
}

main() {
    case ${1:-} in
        build) local folders=(llama models npm) ;;
        test) local folders=(llama models npm python) ;;
        *)
            echo "usage: setup.sh build|test" >&2
            exit 2
            ;;
    esac
    install_missing "$1"
    check_node
    "$scripts/fetch.sh" "${folders[@]}"
}

main "$@"
