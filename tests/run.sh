#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs tests. Usage: tests/run.sh [--preset NAME] [LABEL...]
#
# Labels: unit lint fuzz sim integration interop system chaos; without any, all that there are.
# unit, lint, fuzz and sim run under the sanitizers (preset asan), the others as built by preset dev; sim once more there,
# 10 000 schedules long (ATLAS_SIM_SCHEDULES=1000000 for a night).
# C tests are ctest's, Python tests pytest's; the run ends with the closing lines of one of them, and
# fails when anything failed.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
export PYTHONDONTWRITEBYTECODE=1

all=(unit lint fuzz sim integration interop system chaos)
preset=''
labels=()
while [ $# -gt 0 ]; do
        case $1 in
        --preset) preset=${2:?--preset needs a name}; shift ;;
        --preset=*) preset=${1#*=} ;;
        -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *)
                if [[ " ${all[*]} " != *" $1 "* ]]; then
                        echo "tests/run.sh: no label \"$1\"; there are: ${all[*]}" >&2
                        exit 2
                fi
                labels+=("$1")
                ;;
        esac
        shift
done
asked=${#labels[@]}
[ "$asked" -gt 0 ] || labels=("${all[@]}")

has() { # whether one of the labels is to run
        local label
        for label in "$@"; do
                [[ " ${labels[*]} " != *" $label "* ]] || return 0
        done
        return 1
}

install() {
        [ -x devstack/packages.sh ] || return 0
        devstack/packages.sh "$@"
}

install build
install test
if has system chaos; then
        install lab
fi

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed=()
n_groups=0

run() { # NAME COMMAND...: keeps what was said, and goes on
        local name=$1
        shift
        n_groups=$((n_groups + 1))
        echo "== $name"
        "$@" 2>&1 | tee "$logs/$name" || failed+=("$name")
}

build() { # PRESET
        [ ! -e "$logs/built-$1" ] || return 0
        echo "== build $1"
        if ! cmake --preset "$1" >"$logs/configure-$1" 2>&1; then
                cat "$logs/configure-$1" >&2
                exit 1
        fi
        cmake --build --preset "$1" -j "$(nproc)" -- --quiet
        : >"$logs/built-$1"
}

run_ctest() { # NAME PRESET JOBS LABEL...: those of the labels that are to run
        local name=$1 preset=$2 jobs=$3 label pattern='' there
        shift 3
        for label in "$@"; do
                ! has "$label" || pattern+="${pattern:+|}$label"
        done
        [ -n "$pattern" ] || return 0
        build "$preset"
        there=$(ctest --test-dir "build/$preset" -N -L "^($pattern)\$" | sed -n 's/^Total Tests: //p')
        [ "${there:-0}" -gt 0 ] || return 0
        run "$name" ctest --test-dir "build/$preset" -L "^($pattern)\$" -j "$jobs" --output-on-failure
}

run_pytest() { # LABEL PRESET
        has "$1" || return 0
        [ -n "$(find "tests/$1" -name 'test_*.py' -print -quit 2>/dev/null)" ] || return 0
        build "$2"
        run "$1-python" env ATLAS_BUILD="$PWD/build/$2" \
                /usr/bin/python3 -m pytest -p no:cacheprovider -ra "tests/$1"
}

run_ctest sanitized "${preset:-asan}" "$(nproc)" unit lint fuzz sim
[ -n "$preset" ] || run_ctest simulated dev "$(nproc)" sim
run_ctest real "${preset:-dev}" 1 integration interop system chaos
for label in integration interop system chaos; do
        run_pytest "$label" "${preset:-dev}"
done

if [ "$n_groups" -eq 0 ]; then
        echo "tests/run.sh: there is no test with label ${labels[*]}" >&2
        exit 1
fi
# What failed has the last word.
for name in "${failed[@]}"; do
        echo "== failed: $name"
        tail -n 15 "$logs/$name"
done
[ ${#failed[@]} -eq 0 ]
