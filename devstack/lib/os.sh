# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# OpenStack's REST by curl, many times faster than its command line. Who asks is chosen by OS_USERNAME and
# OS_PROJECT_NAME (default admin); tokens are kept in the lab's folder until shortly before they expire.
#   os_get a /v2.0/networks        os_post site-a /v2.0/networks '{"network": {"name": "blue"}}' | jq -r .network.id
# SITE is a, site-a … for that site's Neutron, or `keystone`. A refusal prints its body on stderr and fails.

as_admin() { OS_USERNAME=admin OS_PROJECT_NAME=admin "$@"; }
as_alice() { OS_USERNAME=alice OS_PROJECT_NAME=atlas-demo "$@"; }
as_mallory() { OS_USERNAME=mallory OS_PROJECT_NAME=rival "$@"; }

os_password() {
        local name=${1//-/_}
        name=KEYSTONE_PASSWORD_${name^^}
        printf '%s' "${!name}"
}

os_token() {
        local user=${OS_USERNAME:-admin} project=${OS_PROJECT_NAME:-admin} kept new
        kept=$LAB/token/$user@$project
        if [ -z "$(find "$kept" -mmin -45 2>/dev/null)" ]; then
                mkdir -p "$LAB/token"
                chmod 700 "$LAB/token"
                new=$(mktemp "$kept.XXXXXX")
                curl -sS -m 30 -f -o /dev/null -D - -H 'Content-Type: application/json' "$KEYSTONE_URL/auth/tokens" -d @- <<END |
{"auth": {"identity": {"methods": ["password"], "password": {"user":
  {"name": "$user", "domain": {"id": "default"}, "password": "$(os_password "$user")"}}},
  "scope": {"project": {"name": "$project", "domain": {"id": "default"}}}}}
END
                        sed -n 's/^X-Subject-Token: *\([^\r]*\)\r*$/\1/Ip' >"$new" || return
                mv "$new" "$kept"
        fi
        cat "$kept"
}

os_base() {
        if [ "$1" = keystone ]; then printf '%s' "$KEYSTONE_URL"; else site "$1" NEUTRON_URL; fi
}

# os_status METHOD SITE PATH [JSON]: the body, then the HTTP status on a line of its own; never fails on a status.
os_status() {
        local token
        token=$(os_token) || return
        curl -sS -m 60 -X "$1" -H "X-Auth-Token: $token" -H 'Content-Type: application/json' \
                ${4+-d "$4"} -w '\n%{http_code}\n' "$(os_base "$2")$3"
}

os_request() {
        local answer code
        answer=$(os_status "$@") || return
        code=${answer##*$'\n'}
        answer=${answer%$'\n'*}
        if ((code >= 300)); then
                printf '%s %s: %s %s\n' "$1" "$3" "$code" "$answer" >&2
                return 1
        fi
        printf '%s\n' "$answer"
}

os_get() { os_request GET "$@"; }
os_post() { os_request POST "$@"; }
os_put() { os_request PUT "$@"; }
os_patch() { os_request PATCH "$@"; }
os_delete() { os_request DELETE "$@" >/dev/null; }

# os_network SITE NAME CIDR: a network with one subnet; prints the network's id.
os_network() {
        local id
        id=$(os_post "$1" /v2.0/networks "{\"network\": {\"name\": \"$2\"}}" | jq -r .network.id)
        os_post "$1" /v2.0/subnets "{\"subnet\": {\"network_id\": \"$id\", \"name\": \"$2\", \"cidr\": \"$3\",
                \"ip_version\": 4, \"enable_dhcp\": false, \"gateway_ip\": null}}" >/dev/null
        printf '%s\n' "$id"
}

# os_port SITE NETWORK NAME [IP]: a VM's port on the site's gateway host; prints "id mac ip".
os_port() {
        local ips=''
        [ -z "${4-}" ] || ips=", \"fixed_ips\": [{\"ip_address\": \"$4\"}]"
        local id
        id=$(os_post "$1" /v2.0/ports "{\"port\": {\"network_id\": \"$2\", \"name\": \"$3\"$ips}}" | jq -r .port.id)
        as_admin os_put "$1" "/v2.0/ports/$id" "{\"port\": {\"binding:host_id\": \"$(site "$1" GW_NAME)\",
                \"device_owner\": \"compute:lab\", \"device_id\": \"$3\"}}" |
                jq -r '.port | "\(.id) \(.mac_address) \(.fixed_ips[0].ip_address)"'
}

os_port_status() {
        as_admin os_get "$1" "/v2.0/ports/$2?fields=status" | jq -r .port.status
}

os_port_is() {
        [ "$(os_port_status "$1" "$2")" = "$3" ]
}
