#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The proxies' sample files, as their own programs read them; where these are not installed, nothing is checked.
# Usage: proxies.sh SOURCE_DIR
set -euo pipefail
cd "$1"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
PATH=$PATH:/usr/sbin

certificate() { # the one that the samples name
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=atlas.example.org \
                -keyout "$dir/key.pem" -out "$dir/fullchain.pem" 2>/dev/null
        cat "$dir/fullchain.pem" "$dir/key.pem" >"$dir/atlas.pem"
}

checked=0
certificate
if command -v nginx >/dev/null; then
        sed "s|/etc/ssl/atlas|$dir|" etc/nginx.conf >"$dir/nginx.conf"
        nginx -t -q -p "$dir" -e stderr -g "pid $dir/nginx.pid;" -c "$dir/nginx.conf"
        checked=1
fi
if command -v haproxy >/dev/null; then
        sed "s|/etc/ssl/atlas|$dir|" etc/haproxy.cfg >"$dir/haproxy.cfg"
        haproxy -c -q -f "$dir/haproxy.cfg"
        checked=1
fi
[ "$checked" -eq 1 ] || { echo "neither nginx nor haproxy is installed"; exit 77; }
