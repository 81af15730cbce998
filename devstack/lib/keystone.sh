# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# One Keystone for all sites, each site a region; the projects, users, services and endpoints of the lab.

keystone_configure() {
        local home=$LAB/keystone
        mkdir -p "$home"
        (umask 077 && cat >"$home/keystone.conf") <<END
[DEFAULT]
use_stderr = true
[database]
connection = $(pg_openstack_url keystone)
[token]
provider = fernet
expiration = 14400
[fernet_tokens]
key_repository = $home/fernet-keys/
[credential]
key_repository = $home/credential-keys/
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory
END
}

keystone_manage() {
        keystone-manage --config-file "$LAB/keystone/keystone.conf" "$@" >>"$(daemon_log keystone-manage)" 2>&1 ||
                { fail_with_log "keystone-manage $1 failed" "$(daemon_log keystone-manage)"; return 1; }
}

keystone_install() {
        pg_sql pg-openstack "$PG_OPENSTACK_PORT" postgres -c 'DROP DATABASE IF EXISTS keystone' -c 'CREATE DATABASE keystone'
        keystone_configure
        keystone_manage fernet_setup --keystone-user root --keystone-group root &
        local fernet=$!
        keystone_manage credential_setup --keystone-user root --keystone-group root &
        local credential=$!
        keystone_manage db_sync &
        all_of $fernet $credential $!
        keystone_manage bootstrap --bootstrap-password "$KEYSTONE_PASSWORD_ADMIN" --bootstrap-region-id "$SITE_A_REGION" \
                --bootstrap-public-url "$KEYSTONE_URL" --bootstrap-internal-url "$KEYSTONE_URL" --bootstrap-admin-url "$KEYSTONE_URL"
        : >"$LAB/keystone/.installed"
}

keystone_up() {
        [ -e "$LAB/keystone/.installed" ] || keystone_install
        if ! daemon_running keystone; then
                daemon_start keystone env OS_KEYSTONE_CONFIG_DIR="$LAB/keystone" OS_KEYSTONE_CONFIG_FILES=keystone.conf \
                        uwsgi --plugin python3 --http-socket "127.0.0.1:$KEYSTONE_PORT" --wsgi-file "$(command -v keystone-wsgi-public)" \
                        --master --processes 1 --threads 4 --enable-threads --die-on-term --need-app --buffer-size 65535 --disable-logging
                daemon_ready keystone 60 http_ready "$KEYSTONE_URL"
        fi
        [ -e "$LAB/keystone/.filled" ] || keystone_fill
}

keystone_down() {
        daemon_stop keystone TERM 10
}

# ks_ensure COLLECTION JSON-of-one: creates it, or finds the one of that name; prints its id.
ks_ensure() {
        local answer code name
        answer=$(os_status POST keystone "/$1" "$2") || return
        code=${answer##*$'\n'}
        if [ "$code" = 409 ]; then
                name=$(jq -r '.[].name' <<<"$2")
                os_get keystone "/$1?name=$name" | jq -er --arg c "$1" '.[$c][0].id'
        elif ((code < 300)); then
                jq -er '.[].id' <<<"${answer%$'\n'*}"
        else
                printf 'POST /%s: %s\n' "$1" "$answer" >&2
                return 1
        fi
}

ks_project() {
        ks_ensure projects "{\"project\": {\"name\": \"$1\", \"domain_id\": \"default\"}}"
}

# ks_user NAME PROJECT-ID ROLE-ID ...
ks_user() {
        local name=$1 project=$2 id role
        shift 2
        id=$(ks_ensure users "{\"user\": {\"name\": \"$name\", \"domain_id\": \"default\", \"password\": \"$(os_password "$name")\"}}")
        for role; do
                os_put keystone "/projects/$project/users/$id/roles/$role" >/dev/null
        done
}

ks_role() {
        ks_ensure roles "{\"role\": {\"name\": \"$1\"}}"
}

ks_region() {
        os_get keystone "/regions/$1" >/dev/null 2>&1 ||
                os_post keystone /regions "{\"region\": {\"id\": \"$1\", \"description\": \"$2\"}}" >/dev/null
}

# ks_endpoint SERVICE-ID REGION URL: its three interfaces, where there is none yet.
ks_endpoint() {
        local interface
        os_get keystone "/endpoints?service_id=$1&region_id=$2" | jq -e '.endpoints == []' >/dev/null || return 0
        for interface in public internal admin; do
                os_post keystone /endpoints "{\"endpoint\": {\"service_id\": \"$1\", \"region_id\": \"$2\",
                        \"interface\": \"$interface\", \"url\": \"$3\"}}" >/dev/null
        done
}

# ks_service TYPE NAME; Keystone lets the same one be made twice, so it is looked for first.
ks_service() {
        local id
        id=$(os_get keystone "/services?type=$1" | jq -r '.services[0].id // empty')
        [ -n "$id" ] || id=$(ks_ensure services "{\"service\": {\"type\": \"$1\", \"name\": \"$2\"}}")
        printf '%s\n' "$id"
}

keystone_fill() {
        local admin member service_role service demo rival identity network letter
        export OS_USERNAME=admin OS_PROJECT_NAME=admin
        admin=$(ks_role admin)
        member=$(ks_role member)
        service_role=$(ks_role service)
        service=$(ks_project service)
        demo=$(ks_project atlas-demo)
        rival=$(ks_project rival)
        ks_user neutron "$service" "$admin" "$service_role"
        ks_user alice "$demo" "$member"
        ks_user mallory "$rival" "$member"
        identity=$(ks_service identity keystone)
        network=$(ks_service network neutron)
        for letter in "${SITES[@]}"; do
                ks_user "$(site "$letter" AGENT_USER)" "$service" "$admin" "$service_role"
                ks_region "$(site "$letter" REGION)" "$(site "$letter" NAME)"
                ks_endpoint "$identity" "$(site "$letter" REGION)" "$KEYSTONE_URL"
                ks_endpoint "$network" "$(site "$letter" REGION)" "$(site "$letter" NEUTRON_URL)"
        done
        env_put PROJECT_ID_ALICE "$demo"
        env_put PROJECT_ID_MALLORY "$rival"
        env_put PROJECT_ID_SERVICE "$service"
        keystone_clouds
        : >"$LAB/keystone/.filled"
}

# clouds.yaml: a cloud per user and site, `--os-cloud alice-a`.
keystone_clouds() {
        local entry letter user project
        (umask 077 && : >"$OS_CLIENT_CONFIG_FILE")
        {
                printf 'clouds:\n'
                for entry in admin:admin alice:atlas-demo mallory:rival; do
                        user=${entry%:*} project=${entry#*:}
                        for letter in "${SITES[@]}"; do
                                cat <<END
  $user-$letter:
    region_name: $(site "$letter" REGION)
    identity_api_version: 3
    auth:
      auth_url: $KEYSTONE_URL
      username: $user
      password: $(os_password "$user")
      project_name: $project
      user_domain_id: default
      project_domain_id: default
END
                        done
                done
        } >"$OS_CLIENT_CONFIG_FILE"
}
