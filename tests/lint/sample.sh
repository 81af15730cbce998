#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: sample.sh PROGRAM FILE. The sample file is what the program prints from its settings.
set -euo pipefail
if ! diff -u "$2" <("$1" --print-sample); then
        echo "Write it anew: $1 --print-sample >$2"
        exit 1
fi
