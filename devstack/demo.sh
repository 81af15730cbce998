#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The story of Cloud Atlas on real parts: stack.sh, then a tenant who joins two sites, step by step as the paper numbers them.
# Ends at the first thing that is not as promised, with exit code 1; leaves the cloud up.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/all.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/all.sh"
# shellcheck source-path=SCRIPTDIR source=lib/story.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/story.sh"

need_root "$@"
"$DEVSTACK/stack.sh"
env_load
began=$SECONDS
story_clean

title "Step 1. Alice makes a Quantum network and a port with a VM at both sites"
for letter in a b; do
        vm_at "$letter" "10.10.0.1$([ "$letter" = a ] && echo 1 || echo 2)"
done
say "The two VMs are on networks of their own, in clouds of their own: they cannot reach each other."
check "no ping between the sites yet" refuses ping_across 1

title "Step 2. Gateways that the sites' agents have discovered"
show gateway list

title "Step 3. A VPN of a type that both sites have"
show vpn create blue --type vpls -c id -c type

title "Step 4. Both sites join it"
show vpn add-site blue site-a -c sites
show vpn add-site blue site-b -c sites

title "Steps 5 and 6. A virtual link, 20 Mbit/s each way, watched until it works"
show link create blue-ab --vpn blue --a-site site-a --z-site site-b --bandwidth 20M --wait -c id -c bandwidth -c mtu -c status
check "the link is ACTIVE" link_is blue-ab ACTIVE

title "Step 7. The VIF-IDs of its two ends"
show port list -c id -c site_id -c vif_id -c plug_status
port_a=$(port_of blue-ab a)
port_b=$(port_of blue-ab z)

title "Step 8. Both ends are plugged into the tenant's networks"
show port attach "$port_a" --network "$(network_of a)" --wait -c plug_status -c network_id -c port_id
show port attach "$port_b" --network "$(network_of b)" --wait -c plug_status -c network_id -c port_id
check "VM to VM ping" ping_across 5
check "also with 1500 bytes and DF" ping_across 3 -M "do" -s 1472

title "The bandwidth is what was reserved"
rate_between 15000 20500 "of 20000 reserved"

title "The bandwidth is changed on the living link, under numbered traffic of 90 % of the lower rate"
change_under_traffic blue-ab 40M 18000 "raised from 20M to 40M" 0
rate_between 30000 41000 "of 40000 reserved"
change_under_traffic blue-ab 10M 9000 "lowered from 40M to 10M" 0
rate_between 7000 10500 "of 10000 reserved"

title "More than is left is refused, with what is left"
show vpn create green --type vpls -c id -c type
show vpn add-site green site-a -c sites
show vpn add-site green site-b -c sites
refused 'kbit/s left' link create too-much --vpn green --a-site site-a --z-site site-b --bandwidth 500M

title "Mallory, another tenant, tries Alice's VPN and Alice's network"
refused_rival 'could not be found' vpn show "$(id_of vpn blue)"
refused_rival 'could not be found' link create stolen --vpn "$(id_of vpn blue)" --a-site site-a --z-site site-b --bandwidth 1M
as_rival atlas vpn create red --type vpls >/dev/null
as_rival atlas vpn add-site red site-a >/dev/null
as_rival atlas vpn add-site red site-b >/dev/null
refused_rival 'not' link create peek --vpn red --a-site site-a --z-site site-b --bandwidth 1M --a-network "$(network_of a)" --wait -c id -c status
as_rival atlas link delete peek --wait
check "Alice's link did not notice" ping_across 3

title "The conductor is killed in the middle of a create, and the link arrives all the same"
kill_in_the_middle
check "the link is ACTIVE" link_is green-ab ACTIVE
check "Alice's link did not notice" ping_across 3

title "Everything is taken away"
for link in blue-ab green-ab; do
        show link delete "$link" --wait
done
for vpn in blue green; do
        show vpn delete "$vpn"
done
as_rival atlas vpn delete red
check "the VMs are apart again" refuses ping_across 1
nothing_left
story_clean

cat <<END

All $checks promises were kept, in $((SECONDS - began)) s. The cloud is still up:
  . devstack/lib/all.sh; env_load             the lab's functions and settings
  atlas gateway list                          as Alice; as_rival atlas …, as_operator atlas … for others
  as_alice os_network a web 10.20.0.0/24      a network at site a; os_port and vm_create add a VM
  daemon_stop atlas-agent-b; atlas_up         stop and start a part and watch what the links say
  ./devstack/unstack.sh                       takes all of it away
END
