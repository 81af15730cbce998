#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: policy.sh PROGRAM FILE. The sample of rules is what atlas-manage prints from its table.
set -euo pipefail
conf=$(mktemp)
trap 'rm -f "$conf"' EXIT
printf '[DEFAULT]\ntransport_url = rabbit://nobody@localhost/\n[database]\nconnection = dbname=none\n' >"$conf"
if ! diff -u "$2" <("$1" --config-file "$conf" policy list); then
        echo "Write it anew: $1 policy list >$2"
        exit 1
fi
