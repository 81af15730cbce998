#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Our tables: the nouns of model/ and the machinery rows that only the conductor needs. The order
 * here is the order in which everyone locks; within a table by primary key. */

#include "model/control.h"
#include "model/gateway.h"
#include "model/operation.h"
#include "model/site.h"
#include "model/vlink.h"
#include "model/vpn.h"
#include "store/store.h"

enum { WANT_SIZE = 3072, ANSWER_SIZE = 16384, METHOD_SIZE = 64 };

/* An accepted request under its Idempotency-Key. Written once, and forgotten after a day. */
struct request_key {
        char project_id[PROJECT_SIZE]; /* key */
        char method[METHOD_SIZE];      /* key */
        char key[KEY_SIZE];            /* key */
        char request_hash[65];
        char object_id[ID_SIZE];
        char answer[ANSWER_SIZE]; /* the result as JSON, envelope and all */
        int64_t created_ms;
};
/* Desire that waits for a gateway, or is under way to it: one row per object, the newest wins. */
enum work_kind { WORK_PORT, WORK_ATTACHMENT, WORK_CIRCUIT };
struct work {
        char object_id[ID_SIZE];  /* key: port's or attachment's id; a circuit's: its link's */
        char gateway_id[ID_SIZE]; /* a circuit waits at no gateway: its link's id again */
        char link_id[ID_SIZE];    /* "" for an attachment */
        int64_t kind;
        int64_t generation;
        char want[WANT_SIZE]; /* JSON of struct port_want, attachment_want or circuit_want */
        char request_id[REQUEST_ID_SIZE];
        int64_t created_ms;
        char project_id[PROJECT_SIZE]; /* whose turn it takes; "" nobody's any more */
        int64_t tries;                 /* answers in a row that asked for a pause */
        int64_t after_ms;              /* not sent before */
        char peer_id[ID_SIZE]; /* of a port: the other end's gateway */
};
/* What shall happen later. 'ref_id' by kind: operation, gateway, attachment, gateway, link, operation
 * (a part of which has ended). */
enum timer_kind {
        TIMER_OPERATION,
        TIMER_GATE,
        TIMER_PLUG,
        TIMER_AUDIT,
        TIMER_CIRCUIT,
        TIMER_PARENT
};
struct timer {
        char ref_id[ID_SIZE]; /* key */
        int64_t kind;         /* key */
        int64_t due_ms;
        int64_t owner; /* conductor that sent what is waited for (GATE, PLUG, CIRCUIT), else 0
                        */
        char project_id[PROJECT_SIZE]; /* whose operation it is (OPERATION), else "" */
};
/* A unique number at a gateway. Free again when owner is "" and free_after has passed. */
struct integer {
        char gateway_id[ID_SIZE]; /* key */
        int64_t kind;             /* key: enum integer_kind */
        int64_t value;            /* key */
        char owner_id[ID_SIZE];   /* port or attachment */
        char pool[KEY_SIZE];      /* "<gateway>:<kind>" while it has no owner, else "" */
        int64_t free_after_ms;
};
/* Bandwidth counted against one direction of a gateway. Windows come later: to_ms 0 is for ever. */
enum direction { TO_WAN, FROM_WAN };
struct reservation {
        char link_id[ID_SIZE];     /* key; or the port that was left behind with it */
        char resource_id[ID_SIZE]; /* key: gateway */
        int64_t direction;         /* key */
        int64_t kbps;
        int64_t from_ms, to_ms;
};
/* What the two ends of a link make for each other, carried unread. A row per end, while it is
 * there. */
struct exchange {
        char port_id[ID_SIZE]; /* key */
        char link_id[ID_SIZE];
        char object[OBJECT_SIZE]; /* what this end made */
        char given[OBJECT_SIZE];  /* the other's, as the newest desire handed it to this end */
};
/* An end of a link that was deleted by force before its gateway had confirmed that it is gone: what
 * it holds there is not given to others until then. */
struct leftover {
        char port_id[ID_SIZE]; /* key */
        char link_id[ID_SIZE];
        char vpn_id[ID_SIZE];
        char gateway_id[ID_SIZE];
        int64_t generation; /* of the desire that it be absent */
        int64_t label;
        int64_t to_wan_kbps, from_wan_kbps;
        int64_t created_ms;
        /* Of a circuit, which the WAN's driver confirms and not the gateway: the access side that
         * is kept for it. */
        char attachment_id[ID_SIZE];
        /* Of an end that was found and given up: whom it sends to. */
        int64_t peer_label;
        char peer_address[ADDRESS_SIZE];
};
/* What is at a gateway and no row knows, or a port that is there otherwise than its row says. What no
 * row knows keeps its integer and its bandwidth until an operator decides. */
struct found {
        char id[ID_SIZE]; /* key: port or attachment */
        char gateway_id[ID_SIZE];
        int64_t kind;           /* enum work_kind */
        char link_id[ID_SIZE];  /* ports only, as all but number below */
        char vpn_id[ID_SIZE];
        char attachment_id[ID_SIZE]; /* our row that it keeps at the gateway, or "" */
        int64_t generation;
        int64_t number; /* its label or tag; 0 until its gateway was asked for it */
        int64_t peer_label;
        char peer_address[ADDRESS_SIZE];
        int64_t tx_kbps, rx_kbps, mtu;
        char vif_id[VIF_ID_SIZE]; /* attachments only, and what is plugged there; "": nothing */
        char network_id[ID_SIZE], neutron_port_id[ID_SIZE];
        bool holds;               /* integer and bandwidth are counted for it */
        int64_t created_ms;
};
/* A conductor that runs (or ran): it holds advisory lock 'number' while it lives. */
struct conductor_row {
        int64_t number; /* key */
        char host[HOST_SIZE];
        int64_t started_ms;
};

/* A message that came again, while nobody has done it. */
struct redelivered {
        char message[KEY_SIZE]; /* key */
        int64_t times;          /* it was begun since it first came again */
        int64_t at_ms;          /* the last of them */
};

/* Stands for its lock: who adds to a project that has a limit takes it first. */
struct project {
        char id[PROJECT_SIZE]; /* key */
        int64_t created_ms;
};
enum { QUOTA_NONE = -1 /* no limit */, QUOTA_DEFAULT = -2 };
struct quota_limits {
        int64_t vpns, links, kbps;
};
/* What an operator has set for a project. */
struct quota {
        char project_id[PROJECT_SIZE]; /* key */
        struct quota_limits limits;
};

enum store_table_id {
        T_PROJECT,
        T_SITE,
        T_REQUEST_KEY,
        T_VPN,
        T_VPN_SITE,
        T_GATEWAY,
        T_ATTACHMENT,
        T_VLINK,
        T_VPORT,
        T_OPERATION,
        T_WORK,
        T_TIMER,
        T_INTEGER,
        T_RESERVATION,
        T_LEFTOVER,
        T_FOUND,
        T_EXCHANGE,
        T_CONTROL,
        T_EVENT,
        T_CONDUCTOR,
        T_REDELIVERED,
        T_QUOTA,
        T_N,
};
extern const struct store_table store_tables[T_N];

/* Counted by the database, only to be read: the operations under way of a project. */
struct open_work {
        char project_id[PROJECT_SIZE]; /* key */
        int64_t operations;
};
extern const struct store_table store_open_work;
/* The same: what a project has; no row where it has nothing. */
struct project_use {
        char project_id[PROJECT_SIZE]; /* key */
        int64_t vpns, links, kbps;
};
extern const struct store_table store_project_use;
