#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: printed.sh FILE COMMAND.... The file is what the command prints from its tables.
set -euo pipefail
file=$1
shift
if ! diff -u "$file" <("$@"); then
        echo "Write it anew: $* >$file"
        exit 1
fi
