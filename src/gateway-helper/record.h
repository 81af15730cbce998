#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What we write down at the gateway itself about each of our objects: one line in the alias of its
 * interface
 * (`ip link` shows it). It lives and dies with the interface, so nothing can be there
 * without saying whose it is; a rebooted gateway is an empty one. */

#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"
#include "model/want.h"

enum { INTERFACE_SIZE = 16, MAC_SIZE = 18, RECORD_TEXT_SIZE = 256 };

/* The roles of our interfaces are in their names; the number is the label or the tag, both unique
 * at a gateway: cab<12 hex digits>  the VPN's bridge: its one forwarding instance here cap<label>
 * a link's end in that bridge      caw<label>  its other end, in Open vSwitch cat<tag> the
 * attachment's end in it       cav<tag>    its other end, for the site's cloud */
enum role { ROLE_NONE, ROLE_BRIDGE, ROLE_PORT, ROLE_WAN, ROLE_ATTACHMENT, ROLE_ACCESS };
enum role role_of(const char *interface, int64_t *ret_number); /* of a bridge the number is 0 */
void role_name(enum role role, int64_t number, char ret[INTERFACE_SIZE]);
void bridge_name(const char *vpn_id, char ret[INTERFACE_SIZE]);

enum record_kind { RECORD_NONE, RECORD_VPN, RECORD_PORT, RECORD_ATTACHMENT };
struct record {
        enum record_kind kind;
        char id[ID_SIZE]; /* of a VPN's bridge: the VPN's */
        char vpn_id[ID_SIZE];
        char link_id[ID_SIZE]; /* ports only, from here on */
        int64_t generation;    /* ports and attachments */
        int64_t epoch, seq;    /* of the command that wrote it; not compared */
        int64_t peer_label;
        char peer_address[MAC_SIZE];
        int64_t tx_kbps, rx_kbps, mtu;
};
void record_of_vpn(const char *vpn_id, struct record *ret);
void record_of_port(const struct port_want *w, int64_t epoch, int64_t seq, struct record *ret);
void record_of_attachment(const struct attachment_want *w, int64_t epoch, int64_t seq,
                          struct record *ret);
/* The same object with the same parameters. */
bool record_equal(const struct record *a, const struct record *b);

void record_format(const struct record *r, char ret[RECORD_TEXT_SIZE]);
/* False, and '*ret' untouched, for any text that record_format() did not write. */
bool record_parse(const char *text, struct record *ret);

bool mac_valid(const char *text); /* a unicast Ethernet address, "0a:00:…" in lower case */
