#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files of ours name their licence in the first three lines and stay below 800 lines; steps of the schema have
# numbers of their own; nothing in src/ sleeps, starts a shell, or writes to memory without knowing its size.
set -euo pipefail
cd "$1"
bad=0
n=0
say() { echo "$*"; bad=1; }

while read -r file; do
        n=$((n + 1))
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
                say "$file: needs a line with SPDX-License-Identifier: Apache-2.0"
        [ "$(wc -l <"$file")" -lt 800 ] || say "$file: has 800 lines or more; split it by idea"
done < <(for folder in src tests devstack cmake sql .ci; do
        [ ! -d "$folder" ] || find "$folder" -path tests/data -prune -o \
                \( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.cmake' -o -name '*.sql' \
                -o -name CMakeLists.txt -o -path .ci/run \) -type f -print
done)
[ "$n" -gt 0 ] || say "no file was found"

calls='u?sleep|nanosleep|system|popen|strcpy|strcat|v?sprintf|gets|strtok|atoi|alloca|gethostbyname'
found=$(find src -name '*.[ch]' -print0 | xargs -0 grep -nE "(^|[^a-zA-Z0-9_])($calls) ?\\(" /dev/null || true)
[ -z "$found" ] || say "not in this house: $found"
twice=$(find sql -name '0*.sql' -printf '%f\n' | cut -c 1-4 | sort | uniq -d)
[ -z "$twice" ] || say "sql/: two files have the number $twice"
exit "$bad"
