#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: openapi.sh PROGRAM FILE. The API's description is what the program prints from its tables.
set -euo pipefail
if ! diff -u "$2" <("$1" --print-openapi); then
        echo "Write it anew: $1 --print-openapi >$2"
        exit 1
fi
