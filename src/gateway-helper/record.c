/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/record.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "base/uuid.h"

/* clang-format off */
static const struct { enum role role; char prefix[4]; int64_t max; } roles[] = {
        { ROLE_PORT,       "cap", 1048575 },
        { ROLE_WAN,        "caw", 1048575 },
        { ROLE_ATTACHMENT, "cat", 4094 },
        { ROLE_ACCESS,     "cav", 4094 },
};
/* clang-format on */
enum { N_ROLES = sizeof roles / sizeof *roles, BRIDGE_DIGITS = 12 };

static bool is_hex(const char *text, size_t n)
{
        return strlen(text) == n && strspn(text, "0123456789abcdef") == n;
}

enum role role_of(const char *interface, int64_t *ret_number)
{
        long long number;

        *ret_number = 0;
        if (text_starts(interface, "cab") && is_hex(interface + 3, BRIDGE_DIGITS))
                return ROLE_BRIDGE;
        for (int i = 0; i < N_ROLES; i++) {
                if (!text_starts(interface, roles[i].prefix) || interface[3] == '0' ||
                    !isdigit((unsigned char)interface[3]) ||
                    !text_to_int(interface + 3, 1, roles[i].max, &number))
                        continue;
                *ret_number = number;
                return roles[i].role;
        }
        return ROLE_NONE;
}

void role_name(enum role role, int64_t number, char ret[INTERFACE_SIZE])
{
        ret[0] = '\0';
        for (int i = 0; i < N_ROLES; i++)
                if (roles[i].role == role)
                        snprintf(ret, INTERFACE_SIZE, "%s%" PRId64, roles[i].prefix, number);
}

void bridge_name(const char *vpn_id, char ret[INTERFACE_SIZE])
{
        snprintf(ret, INTERFACE_SIZE, "cab%012" PRIx64, digest_text(vpn_id) & 0xffffffffffff);
}

void record_of_vpn(const char *vpn_id, struct record *ret)
{
        *ret = (struct record){ .kind = RECORD_VPN };
        TEXT_SET(ret->id, vpn_id);
        TEXT_SET(ret->vpn_id, vpn_id);
}

void record_of_port(const struct port_want *w, int64_t epoch, int64_t seq, struct record *ret)
{
        *ret = (struct record){ .kind = RECORD_PORT,
                                .generation = w->generation,
                                .epoch = epoch,
                                .seq = seq,
                                .peer_label = w->peer_label,
                                .tx_kbps = w->tx_kbps,
                                .rx_kbps = w->rx_kbps,
                                .mtu = w->mtu };
        TEXT_SET(ret->id, w->id);
        TEXT_SET(ret->vpn_id, w->vpn_id);
        TEXT_SET(ret->link_id, w->link_id);
        TEXT_SET(ret->peer_address, w->peer_address);
}

void record_of_attachment(const struct attachment_want *w, int64_t epoch, int64_t seq,
                          struct record *ret)
{
        *ret = (struct record){
                .kind = RECORD_ATTACHMENT, .generation = w->generation, .epoch = epoch, .seq = seq
        };
        TEXT_SET(ret->id, w->id);
        TEXT_SET(ret->vpn_id, w->vpn_id);
}

bool record_equal(const struct record *a, const struct record *b)
{
        return a->kind == b->kind && !strcmp(a->id, b->id) && !strcmp(a->vpn_id, b->vpn_id) &&
               !strcmp(a->link_id, b->link_id) && a->generation == b->generation &&
               a->peer_label == b->peer_label && !strcmp(a->peer_address, b->peer_address) &&
               a->tx_kbps == b->tx_kbps && a->rx_kbps == b->rx_kbps && a->mtu == b->mtu;
}

/* One word without blanks or quotes, so that it needs none in a batch: "atlas-port/1/<id>/…". */
void record_format(const struct record *r, char ret[RECORD_TEXT_SIZE])
{
        switch (r->kind) {
        case RECORD_VPN:
                snprintf(ret, RECORD_TEXT_SIZE, "atlas-vpn/1/%s", r->id);
                return;
        case RECORD_ATTACHMENT:
                snprintf(ret, RECORD_TEXT_SIZE,
                         "atlas-att/1/%s/%s/%" PRId64 "/%" PRId64 "/%" PRId64, r->id, r->vpn_id,
                         r->generation, r->epoch, r->seq);
                return;
        case RECORD_PORT:
                snprintf(ret, RECORD_TEXT_SIZE,
                         "atlas-port/1/%s/%s/%s/%" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64
                         "/%s/%" PRId64 "/%" PRId64 "/%" PRId64,
                         r->id, r->vpn_id, r->link_id, r->generation, r->epoch, r->seq,
                         r->peer_label, r->peer_address, r->tx_kbps, r->rx_kbps, r->mtu);
                return;
        case RECORD_NONE:
                break;
        }
        ret[0] = '\0';
}

static bool next_word(char **rest, const char **ret)
{
        *ret = strsep(rest, "/");
        return *ret != NULL;
}

static bool next_id(char **rest, char ret[ID_SIZE])
{
        const char *word;

        return next_word(rest, &word) && uuid_valid(word) && text_copy(ret, ID_SIZE, word);
}

static bool next_int(char **rest, int64_t max, int64_t *ret)
{
        const char *word;
        long long n;

        if (!next_word(rest, &word) || !text_to_int(word, 0, max, &n))
                return false;
        *ret = n;
        return true;
}

static bool next_mac(char **rest, char ret[MAC_SIZE])
{
        const char *word;

        return next_word(rest, &word) && mac_valid(word) && text_copy(ret, MAC_SIZE, word);
}

static bool next_command(char **rest, struct record *r)
{
        return next_int(rest, INT64_MAX, &r->generation) && next_int(rest, INT64_MAX, &r->epoch) &&
               next_int(rest, INT64_MAX, &r->seq);
}

bool record_parse(const char *text, struct record *ret)
{
        struct record r = { 0 };
        char copy[RECORD_TEXT_SIZE], *rest = copy;
        const char *kind, *version;
        bool good = text_copy(copy, sizeof copy, text) && next_word(&rest, &kind) &&
                    next_word(&rest, &version) && !strcmp(version, "1") && next_id(&rest, r.id);

        if (!good)
                return false;
        if (!strcmp(kind, "atlas-vpn")) {
                r.kind = RECORD_VPN;
                TEXT_SET(r.vpn_id, r.id);
        } else if (!strcmp(kind, "atlas-att")) {
                r.kind = RECORD_ATTACHMENT;
                good = next_id(&rest, r.vpn_id) && next_command(&rest, &r);
        } else if (!strcmp(kind, "atlas-port")) {
                r.kind = RECORD_PORT;
                good = next_id(&rest, r.vpn_id) && next_id(&rest, r.link_id) &&
                       next_command(&rest, &r) && next_int(&rest, 1048575, &r.peer_label) &&
                       next_mac(&rest, r.peer_address) && next_int(&rest, INT32_MAX, &r.tx_kbps) &&
                       next_int(&rest, INT32_MAX, &r.rx_kbps) && next_int(&rest, 65535, &r.mtu);
        } else {
                return false;
        }
        if (!good || rest)
                return false;
        *ret = r;
        return true;
}

bool mac_valid(const char *text)
{
        if (strlen(text) != MAC_SIZE - 1 || strspn(text, "0123456789abcdef:") != MAC_SIZE - 1)
                return false;
        for (size_t i = 0; i < MAC_SIZE - 1; i++)
                if ((text[i] == ':') != (i % 3 == 2))
                        return false;
        /* The lowest bit of the first byte marks a group. */
        return !strchr("13579bdf", text[1]) && strcmp(text, "00:00:00:00:00:00") != 0;
}
