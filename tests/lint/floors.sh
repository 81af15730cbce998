#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every #include "folder/..." below src/ is of the same folder or of a floor that src/FLOORS gives it,
# and AMQP, SQL, SSH and HTTP-client headers are named in one folder each.
set -euo pipefail
cd "$1/src"
bad=0
say() { echo "$*"; bad=1; }

declare -A floors
while IFS=: read -r folder below; do
        [ -z "$folder" ] || [[ $folder == \#* ]] || floors[$folder]=" $below "
done <FLOORS

n=0
while IFS=: read -r file line text; do
        from=$(dirname "$file")
        to=$(dirname "$(sed 's/^[^"]*"\([^"]*\)".*/\1/' <<<"$text")")
        n=$((n + 1))
        if [ -z "${floors[$from]+there}" ]; then
                say "src/$file:$line: the folder $from is not in src/FLOORS"
        elif [ "$to" = . ]; then
                say "src/$file:$line: include \"folder/header.h\", always with the folder"
        elif [ "$to" != "$from" ] && [[ ${floors[$from]} != *" $to "* ]]; then
                say "src/$file:$line: $from may not include $to"
        fi
done < <(find . -name '*.[ch]' -printf '%P\0' | xargs -0 grep -nE '^ *# *include +"' /dev/null)
[ "$n" -gt 0 ] || say "no include was found"

one_folder() { # PATTERN FOLDER
        local found
        found=$(find . -name '*.[ch]' -not -path "./$2/*" -printf '%P\0' |
                xargs -0 grep -nE "^ *# *include +<($1)" /dev/null || true)
        [ -z "$found" ] || say "only src/$2 may include <$1>: $found"
}
one_folder 'rabbitmq-c/|amqp' bus
one_folder 'libpq|postgresql/' store
one_folder 'libssh2' drivers/ssh
one_folder 'curl/' http
exit "$bad"
