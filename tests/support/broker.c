/* SPDX-License-Identifier: Apache-2.0 */
#include "support/broker.h"

#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { WORDS = 12 };

static bool run(const char *const *words)
{
        const char *argv[WORDS + 2] = { ATLAS_SOURCE_DIR "/tests/support/broker.sh" };
        int n = 1, status = 0;
        pid_t pid;

        for (; *words && n < WORDS; words++)
                argv[n++] = *words;
        if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
                return false;
        waitpid(pid, &status, 0);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool act(struct broker *b, const char *verb)
{
        return run((const char *const[]){ verb, b->dir, NULL });
}

bool broker_start(struct broker *b)
{
        char path[96];
        FILE *file;
        bool good;

        if (!act(b, "start"))
                return false;
        snprintf(path, sizeof path, "%s/url", b->dir);
        file = fopen(path, "re");
        good = file && fscanf(file, "%127s", b->url) == 1;
        if (file)
                fclose(file);
        return good;
}

bool broker_new(struct broker *ret)
{
        char pid[16];

        snprintf(ret->dir, sizeof ret->dir, "/tmp/atlas-broker-XXXXXX");
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        return mkdtemp(ret->dir) && run((const char *const[]){ "guard", ret->dir, pid, NULL }) &&
               broker_start(ret);
}

bool broker_stop(struct broker *b)
{
        return act(b, "stop");
}

bool broker_kill(struct broker *b)
{
        return act(b, "kill");
}

void broker_remove(struct broker *b)
{
        act(b, "remove");
}

bool broker_ctl(struct broker *b, ...)
{
        const char *words[WORDS] = { "ctl", b->dir };
        va_list args;

        va_start(args, b);
        for (int n = 2; n < WORDS - 1 && (words[n] = va_arg(args, const char *)); n++)
                ;
        va_end(args);
        return run(words);
}

struct bus_settings broker_settings(const struct broker *b)
{
        /* The texts are copied by bus_new(). */
        return (struct bus_settings){
                .transport_url = (char *)(uintptr_t)b->url,
                .control_exchange = (char *)(uintptr_t) "atlas",
                .amqp_durable_queues = true,
                .rabbit_transient_queues_ttl_s = 1800,
                .rpc_response_timeout_s = 60,
                .heartbeat_timeout_s = 10,
        };
}

bool wait_until(bool (*holds)(void *arg), void *arg, int timeout_ms)
{
        int64_t until_ms = clock_mono_ms() + timeout_ms;

        while (!holds(arg)) {
                if (clock_mono_ms() > until_ms)
                        return false;
                poll(NULL, 0, 5);
        }
        return true;
}
