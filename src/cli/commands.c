/* SPDX-License-Identifier: Apache-2.0 */
/* All commands, one a row. */
#include "cli/cli.h"

#define NONE    UINT64_C(0)
#define WAITING (OPTS(WAIT) | OPTS(TIMEOUT))
#define SHORT   (OPTS(LIMIT) | OPTS(SORT))
#define LISTING (SHORT | OPTS(ALL_PROJECTS))
#define TAGGED  (OPTS(NAME) | OPTS(TAG))
#define LINK_ENDS                                                                                  \
        (OPTS(A_GATEWAY) | OPTS(Z_GATEWAY) | OPTS(A_NETWORK) | OPTS(Z_NETWORK) | OPTS(A_PORT) |    \
         OPTS(Z_PORT))
#define LINK_MUST (OPTS(VPN) | OPTS(A_SITE) | OPTS(Z_SITE) | OPTS(BANDWIDTH))

/* clang-format off */
const struct command commands[] = {
        /* noun        verb           words        needs          takes                                          run              help */
        { "site",      "list",        "",          NONE,          SHORT,                                         command_list,    "the clouds that links can join" },
        { "site",      "show",        "SITE",      NONE,          NONE,                                          command_show,    "one site" },
        { "gateway",   "list",        "",          NONE,          SHORT | OPTS(SITE) | OPTS(TYPE),               command_list,    "where sites meet the WAN, and what bandwidth is left" },
        { "gateway",   "show",        "GATEWAY",   NONE,          NONE,                                          command_show,    "one gateway" },
        { "gateway",   "release",     "GATEWAY",   NONE,          NONE,                                          gateway_release, "let the halted repair of a gateway go, for operators" },
        { "freeze",    "show",        "",          NONE,          NONE,                                          freeze_show,     "whether all is frozen, for operators" },
        { "freeze",    "start",       "",          NONE,          OPTS(REASON),                                  freeze_start,    "ask gateways and networks for nothing more until the end of the freeze, for operators" },
        { "freeze",    "end",         "",          NONE,          NONE,                                          freeze_end,      "go on with all that waited, for operators" },
        { "agent",     "list",        "",          NONE,          SHORT,                                         command_list,    "sites' agents and when they were last heard of, for operators" },
        { "agent",     "show",        "AGENT",     NONE,          NONE,                                          command_show,    "one site's agents" },
        { "vpn",       "create",      "NAME",      OPTS(TYPE),    OPTS(DESCRIPTION),                             vpn_create,      "a VPN, which links belong to" },
        { "vpn",       "list",        "",          NONE,          LISTING | TAGGED | OPTS(TYPE),                 command_list,    "your VPNs" },
        { "vpn",       "show",        "VPN",       NONE,          NONE,                                          command_show,    "one VPN with its sites" },
        { "vpn",       "set",         "VPN",       NONE,          OPTS(NAME) | OPTS(DESCRIPTION),                vpn_set,         "change a VPN's name or description" },
        { "vpn",       "add-site",    "VPN SITE",  NONE,          NONE,                                          vpn_add_site,    "let links of this VPN end at a site" },
        { "vpn",       "remove-site", "VPN SITE",  NONE,          NONE,                                          vpn_remove_site, "no longer; refused while one does" },
        { "vpn",       "add-tag",     "VPN TAG",   NONE,          NONE,                                          tag_add,         "tag a VPN" },
        { "vpn",       "remove-tag",  "VPN TAG",   NONE,          NONE,                                          tag_remove,      "take a tag away" },
        { "vpn",       "delete",      "VPN",       NONE,          NONE,                                          vpn_delete,      "take a VPN without links away" },
        { "connect",   "",            "SITE[:NETWORK] SITE[:NETWORK]...", OPTS(BANDWIDTH), OPTS(NAME) | OPTS(VPN) | OPTS(TYPE) | OPTS(DESCRIPTION) | WAITING, connect_sites, "sites with each other, all or none: a VPN, links between every two and their networks" },
        { "link",      "create",      "NAME",      LINK_MUST,     LINK_ENDS | WAITING | OPTS(DESCRIPTION),       vlink_create,    "a link with guaranteed bandwidth between two sites" },
        { "link",      "list",        "",          NONE,          LISTING | TAGGED | OPTS(VPN) | OPTS(STATUS),   command_list,    "your links" },
        { "link",      "show",        "LINK",      NONE,          NONE,                                          command_show,    "one link" },
        { "link",      "set",         "LINK",      NONE,          OPTS(BANDWIDTH) | OPTS(NAME) | OPTS(DESCRIPTION) | WAITING, vlink_set, "change a link while it carries traffic" },
        { "link",      "disable",     "LINK",      NONE,          WAITING,                                       vlink_disable,   "switch a link off; its bandwidth is kept" },
        { "link",      "enable",      "LINK",      NONE,          WAITING,                                       vlink_enable,    "switch it on again" },
        { "link",      "retry",       "LINK",      NONE,          WAITING,                                       vlink_retry,     "build a link in ERROR again, for operators" },
        { "link",      "delete",      "LINK",      NONE,          WAITING,                                       vlink_delete,    "take a link away" },
        { "link",      "force-delete", "LINK",     NONE,          NONE,                                          vlink_force_delete, "forget a link, whatever its gateways say, for operators" },
        { "link",      "add-tag",     "LINK TAG",  NONE,          NONE,                                          tag_add,         "tag a link" },
        { "link",      "remove-tag",  "LINK TAG",  NONE,          NONE,                                          tag_remove,      "take a tag away" },
        { "link",      "history",     "LINK",      NONE,          SHORT,                                         vlink_history,   "all that happened to a link; by id also after its end" },
        { "port",      "list",        "",          NONE,          LISTING | OPTS(LINK) | OPTS(SITE),             command_list,    "the ends of your links" },
        { "port",      "show",        "PORT",      NONE,          NONE,                                          vport_show,      "one end, with its VIF-ID" },
        { "port",      "attach",      "PORT",      NONE,          OPTS(NETWORK) | OPTS(PORT) | WAITING,          vport_attach,    "plug an end into a network or port of its site" },
        { "port",      "detach",      "PORT",      NONE,          WAITING,                                       vport_detach,    "unplug it" },
        { "operation", "list",        "",          NONE,          LISTING | OPTS(LINK) | OPTS(TYPE) | OPTS(STATUS), command_list,    "what is or was being done" },
        { "operation", "show",        "OPERATION", NONE,          NONE,                                          operation_show,  "one operation with its steps" },
        { "event",     "list",        "",          NONE,          LISTING | OPTS(TYPE),                          command_list,    "the history of everything that is yours" },
        { "event",     "show",        "EVENT",     NONE,          NONE,                                          command_show,    "one event" },
        { "quota",     "show",        "PROJECT",   NONE,          NONE,                                          quota_show,      "what a project may have, and has" },
        { "quota",     "set",         "PROJECT",   NONE,          OPTS(VPNS) | OPTS(LINKS) | OPTS(KBPS),         quota_set,       "let it have more, or less, for operators; what it has stays" },
        { "quota",     "delete",      "PROJECT",   NONE,          NONE,                                          quota_delete,    "return it to the default quotas, for operators" },
        { "watch",     "",            "",          NONE,          OPTS(LINK) | OPTS(TYPE) | OPTS(ALL_PROJECTS) | OPTS(AFTER), watch, "tell what happens, as it happens, until Ctrl-C" },
        { "explain",   "",            "LINK",      NONE,          NONE,                                          explain,         "in plain words: how a link is, what it waits for and what to do; also an operation's id" },
        { "completion","",            "SHELL",     NONE,          NONE,                                          completion,      "write what `bash` needs to complete these commands" },
        { "help",      "",            "",          NONE,          OPTS(MAN),                                     help,            "this, or all of it as a manual page" },
        { 0 },
};
/* clang-format on */
