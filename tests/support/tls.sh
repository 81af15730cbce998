#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gives a private broker (broker.sh) a TLS listener with a CA of its own, which takes client
# certificates too and believes them (EXTERNAL). To be run while it is stopped.
#
#   tls.sh DIR    DIR/tls has ca.pem, other-ca.pem, server.pem (for localhost), client.pem (for the
#                 user site-paris), their -key.pem, and the port
set -euo pipefail
[ $# -eq 1 ] || { sed -n '3,8s/^# \?//p' "$0" >&2; exit 2; }
dir=$1
mkdir -p "$dir/tls"
cd "$dir/tls"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1-key.pem"; }

authority() {
        key "$1"
        openssl req -x509 -new -key "$1-key.pem" -subj "/CN=$1" -days 2 -out "$1.pem"
}

# A certificate of 'ca' with that common name and extension.
certificate() {
        key "$1"
        openssl req -new -key "$1-key.pem" -subj "/CN=$2" -out "$1.csr"
        openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 \
                -extfile <(echo "$3") -out "$1.pem" 2> /dev/null
}

authority ca
authority other-ca
certificate server localhost 'subjectAltName=DNS:localhost'
certificate client site-paris 'extendedKeyUsage=clientAuth'
chmod 644 ./*-key.pem
/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])' > port

cat > "$dir/extra.conf" << END
listeners.ssl.1 = 127.0.0.1:$(cat port)
ssl_options.cacertfile = $dir/tls/ca.pem
ssl_options.certfile = $dir/tls/server.pem
ssl_options.keyfile = $dir/tls/server-key.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = AMQPLAIN
auth_mechanisms.3 = EXTERNAL
END
echo '[rabbitmq_auth_mechanism_ssl].' > "$dir/extra.plugins"
