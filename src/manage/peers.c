/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/peers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "bus/declare.h"

#define NAME_SIGNS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define KEY_SIGNS  "ABCDEFGHIJKLMNOPQRSTUVWXYZ" NAME_SIGNS "_.*#"

enum { NAME_MAX_LENGTH = 40, KEY_MAX_LENGTH = 120 };

static bool is_word(const char *word, const char *signs, size_t most)
{
        size_t n = strlen(word);

        return n > 0 && n <= most && strspn(word, signs) == n;
}

/* A name that a program of ours, or the broker, takes messages from is not to be served by another.
 */
static bool is_topic(const char *word)
{
        if (!is_word(word, KEY_SIGNS, KEY_MAX_LENGTH) || strpbrk(word, "*#") || *word == '.' ||
            strncmp(word, "amq.", 4) == 0 || strncmp(word, "reply_", 6) == 0)
                return false;
        for (const char *const *ours = declare_queues; *ours; ours++) {
                size_t n = strlen(*ours);

                if (strncmp(word, *ours, n) == 0 && strchr("._", word[n]))
                        return false;
        }
        return true;
}

static bool is_key(const char *word)
{
        return is_word(word, KEY_SIGNS, KEY_MAX_LENGTH);
}

static bool split(char *list, bool (*good)(const char *), const char *ret[PEER_LISTED_MAX + 1])
{
        size_t n = 0;
        char *save = NULL;

        for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
                if (n == PEER_LISTED_MAX || !good(w))
                        return false;
                ret[n++] = w;
        }
        return true;
}

static bool peer_read(struct peer *p)
{
        char *serves = strchr(p->text, ':'), *sends;

        if (!serves)
                return false;
        *serves++ = '\0';
        sends = strchr(serves, '>');
        if (sends)
                *sends++ = '\0';
        p->name = p->text;
        return is_word(p->name, NAME_SIGNS, NAME_MAX_LENGTH) &&
               split(serves, is_topic, p->serves) && (!sends || split(sends, is_key, p->sends)) &&
               (p->serves[0] || p->sends[0]);
}

int peers_read(struct peers *p, const char *text, struct fault *why)
{
        OWN(mem_free) char *room = strdup(text);
        char *save = NULL;

        if (!room)
                return err_raise(-ENOMEM);
        for (char *w = strtok_r(room, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
                struct peer *list = reallocarray(p->list, p->n + 1, sizeof *list);

                if (!list)
                        return err_raise(-ENOMEM);
                p->list = list;
                list[p->n] = (struct peer){ .text = strdup(w) };
                if (!list[p->n++].text)
                        return err_raise(-ENOMEM);
                if (peer_read(&list[p->n - 1]))
                        continue;
                fault_set(
                        why, 400, "peers.invalid",
                        "[bus] peers: \"%.100s\" is not NAME:TOPIC,…>KEY,… with a topic or key that is not ours "
                        "to keep.",
                        w);
                return PEERS_BAD;
        }
        return PEERS_OK;
}

void peers_done(struct peers *p)
{
        for (size_t i = 0; i < p->n; i++)
                free(p->list[i].text);
        free(p->list);
        *p = (struct peers){ 0 };
}
