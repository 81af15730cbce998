#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every header of src/ compiles alone, begins with #pragma once, and says what it is.
set -euo pipefail
cd "$1/src"
bad=0
n=0
while read -r header; do
        n=$((n + 1))
        ${CC:-cc} -std=gnu17 -D_GNU_SOURCE -I. ${PG_INCLUDE:+-isystem "$PG_INCLUDE"} \
                -Wall -Wextra -Werror -fsyntax-only -x c -include "$header" /dev/null || bad=1
        if [ "$(head -n 1 "$header")" != '#pragma once' ]; then
                echo "src/$header:1: a header begins with #pragma once"
                bad=1
        fi
        if ! sed -n 3p "$header" | grep -q '^/\*'; then
                echo "src/$header:3: say in a line or two what this header is"
                bad=1
        fi
done < <(find . -name '*.h' -printf '%P\n' | sort)
[ "$n" -gt 0 ] && exit "$bad"
