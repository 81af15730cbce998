#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of Spectral, npm's linter of OpenAPI, which is installed into a prefix of its own when it is not there
# yet; fails when it cannot be (no npm, no network).
set -euo pipefail
version=6.16.3
prefix=${ATLAS_NPM:-${XDG_CACHE_HOME:-$HOME/.cache}/atlas-npm}/spectral-$version
tool=$prefix/node_modules/.bin/spectral
if [ ! -x "$tool" ]; then
        command -v npm >/dev/null
        mkdir -p "$prefix"
        exec 8>"$prefix.lock"
        flock -w 300 8
        [ -x "$tool" ] || timeout 240 npm install --prefix "$prefix" --ignore-scripts --no-audit --no-fund \
                "@stoplight/spectral-cli@$version" >&2
fi
echo "$tool"
