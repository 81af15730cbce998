#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every shell script parses; shellcheck, where it is installed, finds no error or warning.
set -euo pipefail
cd "$1"
bad=0
scripts=()
while read -r file; do
        case $(head -n 1 "$file") in
        '#!'*bash | '#!/bin/sh') scripts+=("$file") ;;
        esac
done < <(find . \( -name build -o -name '.git' -o -path ./tests/data \) -prune -o \
        -type f -size -200k \( -perm -u+x -o -name '*.sh' \) -print)
[ "${#scripts[@]}" -gt 0 ] || { echo "no script was found"; exit 1; }
for file in "${scripts[@]}"; do
        bash -n "$file" || bad=1
done
if command -v shellcheck >/dev/null; then
        shellcheck -x -S warning "${scripts[@]}" || bad=1
fi
exit "$bad"
