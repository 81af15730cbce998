#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Looks for inputs that break a fuzz target, with clang's libFuzzer. Usage: tests/fuzz/search.sh SECONDS [TARGET...]
#
# Each target (all of tests/fuzz without names) is searched for so long, from its corpus and from what was found before in
# build/fuzz/found/TARGET. An input that breaks it is left there as crash-…, leak-… or timeout-…, and the exit status is 1: mend the
# code, and put the input into tests/data/corpus/TARGET under a name that says what it is.
set -euo pipefail
cd "$(dirname "$0")/../.."
case ${1-} in '' | *[!0-9]*) sed -n '3,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
seconds=$1
shift
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(sed -n 's/^atlas_fuzzer(\([a-z_]*\) .*/\1/p' tests/fuzz/*.cmake)

[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target "${targets[@]/#/fuzz-}"
status=0
for target in "${targets[@]}"; do
        found=build/fuzz/found/$target
        mkdir -p "$found"
        echo "== $target, $seconds s =="
        build/fuzz/tests/fuzz/"fuzz-$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -print_final_stats=1 \
                -artifact_prefix="$found/" "$found" "tests/data/corpus/$target" >"$found.log" 2>&1 || status=1
        grep -E 'ERROR|runtime error|Assertion|stat::number_of_executed_units|written to' "$found.log" || true
done
exit $status
