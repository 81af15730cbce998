/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static const int signals[] = { SIGINT, SIGTERM };
static char words[512];
static int exit_status;

static void on_signal(int number)
{
        (void)number;
        /* Only what may be called in a signal handler. */
        if (write(STDERR_FILENO, words, strlen(words)) < 0)
                _exit(exit_status);
        _exit(exit_status);
}

static void handle(void (*handler)(int))
{
        struct sigaction action = { .sa_handler = handler };

        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
                sigaction(signals[i], &action, NULL);
}

void interrupt_say(const char *say, int status)
{
        handle(SIG_DFL); /* never with half of the words */
        TEXT_SET(words, say);
        exit_status = status;
        handle(on_signal);
}

void interrupt_clear(void)
{
        handle(SIG_DFL);
}
