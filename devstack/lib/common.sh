# shellcheck shell=bash disable=SC2034 # used by those who source it
# SPDX-License-Identifier: Apache-2.0
# What every part of the lab uses: its folder, its processes, waiting with a deadline, telling the reader.
# Knows no part. To be sourced by bash with `set -euo pipefail`.

LAB=${ATLAS_LAB:-/var/tmp/cloud-atlas-lab}
SITES=(a b)
LAB_MARKER="$LAB/.cloud-atlas-lab"
DEVSTACK=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8

die() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
        exit 1
}

# Starts the calling script again as root, with the variables that choose the lab.
need_root() {
        [ "$(id -u)" = 0 ] || exec sudo --preserve-env=ATLAS_LAB,ATLAS_LAB_PREFIX,ATLAS_LAB_NET,ATLAS_BUILD "$0" "$@"
}

# One stack.sh or unstack.sh at a time for one folder; daemons do not inherit the lock.
lab_lock() {
        exec 9<"$LAB"
        flock -w 600 9 || die "another stack.sh or unstack.sh holds $LAB"
}

# Random letters and digits for a password.
secret() {
        openssl rand -hex 16
}

# A value of one site: `site a WAN_MAC`, `site site-a WAN_MAC`.
site() {
        local letter=${1#site-} name
        name=SITE_${letter^^}_$2
        [ -n "${!name-}" ] || die "the lab has no $name"
        printf '%s\n' "${!name}"
}

### Waiting ###

# wait_for SECONDS WHAT LOG command ...: until the command succeeds; else the log's last lines and failure.
wait_for() {
        local end=$((SECONDS + $1)) what=$2 log=$3
        shift 3
        until "$@" >/dev/null 2>&1; do
                if ((SECONDS >= end)); then
                        fail_with_log "$what was not ready in time" "$log"
                        return 1
                fi
                sleep 0.1
        done
}

fail_with_log() {
        printf '\n%s; the end of %s:\n' "$1" "$2" >&2
        tail -n 25 "$2" >&2 || true
}

# True once something accepts connections at host and port.
port_open() {
        (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# An answer below 500 at this address.
http_ready() {
        local code
        code=$(curl -s -o /dev/null -m 5 -w '%{http_code}' "$1") && ((code >= 200 && code < 500))
}

### Processes ###
# Each carries ATLAS_LAB_DAEMON=<folder> in its environment, so that a recycled process id is never taken for ours
# and nothing that outlives its parent is missed by daemons_sweep. (SPT_NOENV keeps Python's setproctitle from
# writing its title over it.)

daemon_log() {
        printf '%s/log/%s.log' "$LAB" "$1"
}

is_ours() {
        grep -zqxF -- "ATLAS_LAB_DAEMON=$LAB" "/proc/$1/environ" 2>/dev/null
}

daemon_pid() {
        local pid
        pid=$(cat "$LAB/pid/$1" 2>/dev/null) && is_ours "$pid" && printf '%s\n' "$pid"
}

daemon_running() {
        daemon_pid "$1" >/dev/null
}

# daemon_start NAME command ...: in an environment that owes nothing to the caller; the log of its last run is kept.
daemon_start() {
        local name=$1
        shift
        [ ! -e "$(daemon_log "$name")" ] || mv "$(daemon_log "$name")" "$(daemon_log "$name").old"
        env -i PATH="$PATH" LC_ALL="$LC_ALL" HOME=/root TMPDIR="$LAB/tmp" \
                ATLAS_LAB_DAEMON="$LAB" SPT_NOENV=1 setsid -- "$@" </dev/null >>"$(daemon_log "$name")" 2>&1 9<&- &
        printf '%s\n' $! >"$LAB/pid/$name"
}

# For a command that forks into a namespace and waits there: the process it made is the daemon.
daemon_is_child() {
        local name=$1 parent
        parent=$(cat "$LAB/pid/$name")
        wait_for 10 "$name" "$(daemon_log "$name")" pgrep -P "$parent"
        pgrep -P "$parent" | head -n 1 >"$LAB/pid/$name"
}

# daemon_ready NAME SECONDS command ...: until the command succeeds; fails at once when the daemon has died.
daemon_ready() {
        local name=$1 seconds=$2
        shift 2
        wait_for "$seconds" "$name" "$(daemon_log "$name")" daemon_gone_or "$name" "$@"
        daemon_running "$name" || { fail_with_log "$name ended" "$(daemon_log "$name")"; return 1; }
}

daemon_gone_or() {
        local name=$1
        shift
        "$@" || ! daemon_alive_by_id "$name"
}

# Between fork and exec the mark is not there yet, so this asks for the id alone.
daemon_alive_by_id() {
        kill -0 "$(cat "$LAB/pid/$1")" 2>/dev/null
}

# daemon_stop NAME [SIGNAL [SECONDS]]: asks, then insists.
daemon_stop() {
        local name=$1 signal=${2:-TERM} seconds=${3:-10} pid end
        if pid=$(daemon_pid "$name"); then
                kill -"$signal" "$pid" 2>/dev/null || true
                end=$((SECONDS + seconds))
                while is_ours "$pid"; do
                        ((SECONDS < end)) || kill -KILL "$pid" 2>/dev/null || true
                        sleep 0.05
                done
        fi
        rm -f "$LAB/pid/$name"
}

# Ends whatever carries this lab's mark.
daemons_sweep() {
        local end=$((SECONDS + 5)) signal=TERM pid left
        while :; do
                left=0
                while read -r pid; do
                        left=1
                        kill -$signal "$pid" 2>/dev/null || true
                done < <(grep -lzxF -- "ATLAS_LAB_DAEMON=$LAB" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3)
                ((left)) || return 0
                ((SECONDS < end)) || signal=KILL
                ((SECONDS < end + 5)) || die "processes of the lab do not end"
                sleep 0.1
        done
}

### Telling the reader ###

# part TITLE function [arguments ...]: runs it and says how long it took. To be run in the background and waited for.
part() {
        local title=$1 began=${EPOCHREALTIME/./} ms
        shift
        set -E
        trap 'printf "  %s failed: %s\n" "$title" "$BASH_COMMAND" >&2; trap - ERR' ERR
        "$@"
        trap - ERR
        ms=$(((${EPOCHREALTIME/./} - began) / 1000))
        printf '  %-28s %3d.%01d s\n' "$title" $((ms / 1000)) $((ms % 1000 / 100))
}

# Waits for each of these processes of this shell; fails if one failed.
all_of() {
        local pid failed=0
        for pid; do
                wait "$pid" || failed=1
        done
        return $failed
}
