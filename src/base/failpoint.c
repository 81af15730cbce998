/* SPDX-License-Identifier: Apache-2.0 */
#include "base/failpoint.h"

#ifdef ATLAS_FAILPOINTS_ENABLED

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

enum action { ACTION_KILL, ACTION_STOP, ACTION_DELAY, ACTION_FAIL, ACTION_N };
enum { EVERY = 0, UNMARKED = 0, POINTS_MAX = 16 };

static const char *const action_name[] = {
        [ACTION_KILL] = "kill",
        [ACTION_STOP] = "stop",
        [ACTION_DELAY] = "delay",
        [ACTION_FAIL] = "fail",
};
_Static_assert(sizeof action_name / sizeof *action_name == ACTION_N, "name each action");

static struct failpoint {
        char name[64];
        long long mark; /* or UNMARKED: every pass counts */
        enum action action;
        long long n; /* which pass, or EVERY; milliseconds of a delay */
        _Atomic unsigned long passes;
} points[POINTS_MAX];
static size_t n_points;
static _Thread_local bool marks[FAILPOINT_MARKS];

/* All names that FAILPOINT() is used with in this program. */
extern const char *const __start_atlas_failpoints[] __attribute__((weak));
extern const char *const __stop_atlas_failpoints[] __attribute__((weak));

_Noreturn static void refuse(const char *entry, const char *why)
{
        fprintf(stderr, "ATLAS_FAILPOINTS: \"%s\": %s\n", entry, why);
        _exit(1);
}

static bool name_known(const char *name)
{
        size_t n_word = strcspn(name, ".") + 1;
        bool ours = false;

        for (const char *const *p = __start_atlas_failpoints; p < __stop_atlas_failpoints; p++) {
                if (strcmp(*p, name) == 0)
                        return true;
                ours |= strncmp(*p, name, n_word) == 0;
        }
        return !ours;
}

static bool action_read(const char *text, struct failpoint *ret)
{
        size_t n = strcspn(text, ":");
        const char *number = text[n] == ':' ? text + n + 1 : NULL;

        for (int i = 0; i < ACTION_N; i++)
                if (strlen(action_name[i]) == n && strncmp(action_name[i], text, n) == 0) {
                        ret->action = (enum action)i;
                        ret->n = 1;
                        if (i == ACTION_FAIL && text_equal(number, "*"))
                                ret->n = EVERY;
                        else if (number)
                                return text_to_int(number, 1, 3600000, &ret->n);
                        return number || i != ACTION_DELAY;
                }
        return false;
}

static void entry_read(char *entry)
{
        struct failpoint *p = &points[n_points];
        char *equals = strchr(entry, '='), *at;

        if (n_points == POINTS_MAX)
                refuse(entry, "too many");
        if (!equals)
                refuse(entry, "expected name=action");
        if (!action_read(equals + 1, p))
                refuse(entry, "expected kill[:n], stop[:n], delay:ms or fail[:n]");
        *equals = '\0';
        at = strchr(entry, '@');
        if (at && !text_to_int(at + 1, 1, FAILPOINT_MARKS - 1, &p->mark))
                refuse(entry, "expected a mark after @");
        if (at)
                *at = '\0';
        if (!TEXT_SET(p->name, entry) || !name_known(p->name))
                refuse(entry, "this program has no such failpoint");
        n_points++;
}

__attribute__((constructor)) static void environment_read(void)
{
        const char *value = getenv("ATLAS_FAILPOINTS");
        char *copy, *rest, *entry;

        if (!value)
                return;
        copy = rest = strdup(value);
        if (!copy)
                refuse(value, strerror(ENOMEM));
        while ((entry = strsep(&rest, ";")))
                if (*entry)
                        entry_read(entry);
        free(copy);
}

static bool point_counts(const struct failpoint *p, const char *name)
{
        return strcmp(p->name, name) == 0 && (p->mark == UNMARKED || marks[p->mark]);
}

static void delay(long long ms)
{
        int64_t end = clock_mono_ms() + ms;

        for (int64_t now = clock_mono_ms(); now < end; now = clock_mono_ms())
                poll(NULL, 0, (int)(end - now));
}

static bool point_pass(struct failpoint *p)
{
        unsigned long pass = atomic_fetch_add(&p->passes, 1) + 1;

        if (p->action == ACTION_DELAY) {
                delay(p->n);
                return false;
        }
        if (p->n != EVERY && (unsigned long)p->n != pass)
                return false;
        log_warn("failpoint", "name=%s mark=%lld action=%s pass=%lu", p->name, p->mark,
                 action_name[p->action], pass);
        if (p->action == ACTION_FAIL)
                return true;
        raise(p->action == ACTION_KILL ? SIGKILL : SIGSTOP);
        return false;
}

bool failpoint_hit(const char *name)
{
        bool hit = false;

        for (size_t i = 0; i < n_points; i++)
                if (point_counts(&points[i], name))
                        hit |= point_pass(&points[i]);
        return hit;
}

unsigned long failpoint_count(const char *name)
{
        for (size_t i = 0; i < n_points; i++)
                if (strcmp(points[i].name, name) == 0)
                        return atomic_load(&points[i].passes);
        return 0;
}

bool failpoint_any(void)
{
        return n_points > 0;
}

void failpoint_mark(int64_t mark)
{
        if (n_points && mark > UNMARKED && mark < FAILPOINT_MARKS)
                marks[mark] = true;
}

void failpoint_unmark(void)
{
        if (n_points)
                memset(marks, 0, sizeof marks);
}

#else
typedef int failpoints_are_compiled_out; /* ISO C wants a declaration in each file */
#endif
