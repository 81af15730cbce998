/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* 'said_plugging' where it differs when networks are plugged on the way. */
static const struct step {
        const char *kind, *from, *to, *said, *said_plugging;
} steps[] = {
        /* clang-format off */
        { "create", "START", "PORTS",     "accepted; both ends are being configured", NULL },
        { "create", "PORTS", "PORTS",     "an end is silent; it is asked once more", NULL },
        { "create", "PORTS", "PLUG",      "both ends configured", "both ends configured; networks are being plugged" },
        { "create", "PORTS", "UNDO",      "an end failed; both are being taken back", NULL },
        { "create", "PLUG", "PLUG",       "a site is silent; it is asked once more", NULL },
        { "create", "PLUG", "DONE",       "active", "networks plugged; active" },
        { "create", "PLUG", "UNDO_PLUG",  "plugging failed; networks are being unplugged", NULL },
        { "create", "UNDO_PLUG", "UNDO",  "both ends are being taken back", NULL },
        { "create", "UNDO", "FAILED",     "failed", NULL },

        { "update", "START", "FIRST",     "accepted; receiving ends are raised, sending ends lowered", NULL },
        { "update", "FIRST", "FIRST",     "an end is silent; it is asked once more", NULL },
        { "update", "FIRST", "SECOND",    "halfway; the other ends follow", NULL },
        { "update", "FIRST", "UNDO_FIRST", "an end failed; the old bandwidth is being restored", NULL },
        { "update", "SECOND", "SECOND",   "an end is silent; it is asked once more", NULL },
        { "update", "SECOND", "DONE",     "bandwidth changed at both ends", NULL },
        { "update", "SECOND", "UNDO_SECOND", "an end failed; the old bandwidth is being restored", NULL },
        { "update", "UNDO_SECOND", "UNDO_FIRST", "halfway back; the other ends follow", NULL },
        { "update", "UNDO_SECOND", "FAILED", "failed; both ends keep what they had confirmed until they answer", NULL },
        { "update", "UNDO_SECOND", "FAILED", "failed; the link stays at the lower bandwidth until both ends answer", NULL },
        { "update", "UNDO_FIRST", "FAILED", "failed; the link keeps its old bandwidth", NULL },

        { "delete", "START", "UNPLUG",    "accepted", "accepted; networks are being unplugged" },
        { "delete", "UNPLUG", "UNPLUG",   "a site is silent; it is asked once more", NULL },
        { "delete", "UNPLUG", "PORTS",    "both ends are being taken away", "networks unplugged; both ends are being taken away" },
        { "delete", "PORTS", "PORTS",     "an end is silent; it is asked once more", NULL },
        { "delete", "PORTS", "DONE",      "gone from both ends", NULL },
        { "delete", "PORTS", "FAILED",    "failed; an end could not be taken away", NULL },

        { "delete", "START", "DONE",      "deleted by force; what the gateways still hold is taken away when they answer", NULL },

        { "enable", "START", "PORTS",     "accepted; both ends are being configured", NULL },
        { "enable", "PORTS", "PORTS",     "an end is silent; it is asked once more", NULL },
        { "enable", "PORTS", "DONE",      "switched on; active", NULL },
        { "enable", "PORTS", "UNDO",      "an end failed; both are being taken back", NULL },
        { "enable", "UNDO", "FAILED",     "failed; the link stays switched off", NULL },

        { "disable", "START", "PORTS",    "accepted; both ends are being taken away", NULL },
        { "disable", "PORTS", "PORTS",    "an end is silent; it is asked once more", NULL },
        { "disable", "PORTS", "DONE",     "switched off; its bandwidth is kept", NULL },
        { "disable", "PORTS", "FAILED",   "failed; an end has not confirmed yet that it is off", NULL },

        { "connect", "START", "LINKS",    "accepted; the links are being built", NULL },
        { "connect", "LINKS", "LINKS",    "not all links are there yet; they are waited for once more", NULL },
        { "connect", "LINKS", "DONE",     "all links are active", NULL },
        { "connect", "LINKS", "UNDO",     "a link failed; all are being taken back", NULL },
        { "connect", "UNDO", "UNDO",      "a link is not gone yet; it is asked to go again", NULL },
        { "connect", "UNDO", "FAILED",    "failed; nothing is left of it", NULL },

        { "attach", "START", "PLUG",      "accepted; the network is being plugged", NULL },
        { "attach", "PLUG", "PLUG",       "the site is silent; it is asked once more", NULL },
        { "attach", "PLUG", "DONE",       "network plugged", NULL },
        { "attach", "PLUG", "UNDO",       "plugging failed; it is being undone", NULL },
        { "attach", "UNDO", "FAILED",     "failed; the port is as it was", NULL },

        { "detach", "START", "UNPLUG",    "accepted; the network is being unplugged", NULL },
        { "detach", "UNPLUG", "UNPLUG",   "the site is silent; it is asked once more", NULL },
        { "detach", "UNPLUG", "DONE",     "network unplugged", NULL },
        { "detach", "UNPLUG", "FAILED",   "failed; the network could not be unplugged", NULL },
        /* clang-format on */
};

const char *step_sentence(const char *kind, const char *from, const char *to, bool plugs)
{
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
                const struct step *s = &steps[i];

                if (text_equal(s->kind, kind) && text_equal(s->from, from) && text_equal(s->to, to))
                        return plugs && s->said_plugging ? s->said_plugging : s->said;
        }
        return NULL;
}

void step_kind(const char *event_type, char *ret, size_t size)
{
        const char *begin = event_type ? strchr(event_type, '.') : NULL;
        const char *end = begin ? strchr(begin + 1, '.') : NULL;

        snprintf(ret, size, "%.*s", end ? (int)(end - begin - 1) : 0, end ? begin + 1 : "");
}

void step_add(struct text *to, const char *kind, const json_t *step, bool plugs)
{
        const char *from = json_string_value(json_object_get(step, "from"));
        const char *next = json_string_value(json_object_get(step, "to"));
        const char *site = json_string_value(json_object_get(step, "site"));
        const char *reason = json_string_value(json_object_get(step, "reason"));
        const char *said = step_sentence(kind, from, next, plugs);

        if (said)
                text_add(to, said);
        else
                text_addf(to, "%s to %s", from ? from : "?", next ? next : "?");
        if (reason && *reason)
                text_addf(to, ": %s%s%s", site ? site : "", site && *site ? ": " : "", reason);
}

int64_t step_time_ms(const char *text)
{
        struct tm tm = { 0 };
        const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
        int64_t ms = 0;

        if (!rest)
                return 0;
        if (*rest == '.')
                for (int64_t weight = 100; weight > 0 && rest[1] >= '0' && rest[1] <= '9';
                     weight /= 10)
                        ms += weight * (*++rest - '0');
        return timegm(&tm) * 1000 + ms;
}
