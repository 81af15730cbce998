/* SPDX-License-Identifier: Apache-2.0 */
/* From steps to the tools' batches, and from what the tools complain about back to the steps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "gateway-helper/process.h"
#include "gateway-helper/seal.h"
#include "gateway-helper/survey.h"

enum { VSCTL_MAX_STEPS = 256, VSCTL_MAX_WORDS = 4096 };

/* The steps of one phase that are still to be done. */
struct batch {
        const struct place *at;
        const struct step **steps;
        size_t n;
        struct verdict *verdicts;
};

static void blame(const struct batch *b, const struct step *s, const struct fault *why)
{
        struct verdict *v;

        if (s->owner == OWNER_HOUSE)
                return; /* it is found again, and counted as unknown meanwhile */
        v = &b->verdicts[s->owner];
        if (!v->given_up)
                v->fault = *why;
        v->given_up = true;
}

static void blame_all(const struct batch *b, const struct fault *why)
{
        for (size_t i = 0; i < b->n; i++)
                blame(b, b->steps[i], why);
}

/* `ip` and `tc` name the line after its complaint: "RTNETLINK answers: …\nCommand failed -:3". True
 * when any line was named. */
static bool blame_lines(const struct batch *b, const char *tool, char *err)
{
        const char *line, *complaint = "failed";
        bool named = false;
        size_t number;
        struct fault why;

        while (err && (line = strsep(&err, "\n"))) {
                if (sscanf(line, "Command failed -:%zu", &number) != 1) {
                        complaint = *line ? line : complaint;
                        continue;
                }
                fault_set(&why, 500, "gateway.device_error", "%s: %.200s", tool, complaint);
                if (number >= 1 && number <= b->n)
                        blame(b, b->steps[number - 1], &why);
                complaint = "failed";
                named = true;
        }
        return named;
}

static int run_lines(const struct batch *b, const char *const *argv, bool by_line)
{
        OWN(text_done) struct text input = { 0 };
        OWN(text_done) struct text err = { 0 };
        struct fault why = { 0 };
        int r;

        for (size_t i = 0; i < b->n; i++)
                text_addf(&input, "%s\n", b->steps[i]->text);
        if (input.failed)
                return err_raise(-ENOMEM);
        r = process_run(argv, input.bytes, input.n, b->at->deadline_mono_ms, NULL, &err, NULL,
                        &why);
        if (r == PROCESS_FAILED && by_line && blame_lines(b, argv[0], err.bytes))
                return PROCESS_OK;
        if (r > 0)
                blame_all(b, &why);
        return r;
}

static int run_ip(const struct batch *b)
{
        static const char *const argv[] = { "ip", "-force", "-batch", "-", NULL };

        return run_lines(b, argv, true);
}

static int run_tc(const struct batch *b)
{
        static const char *const argv[] = { "tc", "-force", "-batch", "-", NULL };

        return run_lines(b, argv, true);
}

static int run_flows(const struct batch *b)
{
        const char *const argv[] = { "ovs-ofctl", "-O",          "OpenFlow13", "--bundle",
                                     "add-flows", b->at->bridge, "-",          NULL };

        return run_lines(b, argv, false);
}

static int run_seal(const struct batch *b)
{
        struct fault why;

        for (size_t i = 0; i < b->n; i++)
                if (seal(b->steps[i]->text, &why) != SEAL_OK)
                        blame(b, b->steps[i], &why);
        return PROCESS_OK;
}

/* One transaction: "ovs-vsctl -- step -- step …". */
static int run_vsctl(const struct batch *b)
{
        const char *argv[VSCTL_MAX_WORDS + 2] = { "ovs-vsctl" };
        OWN(text_done) struct text words = { 0 };
        struct fault why = { 0 };
        size_t n = 1;
        char *rest;
        int r;

        for (size_t i = 0; i < b->n; i++)
                text_addf(&words, "%s-- %s", i ? " " : "", b->steps[i]->text);
        if (words.failed)
                return err_raise(-ENOMEM);
        for (rest = words.bytes; rest && n <= VSCTL_MAX_WORDS;)
                argv[n++] = strsep(&rest, " ");
        argv[n] = NULL;
        r = process_run(argv, NULL, 0, b->at->deadline_mono_ms, NULL, NULL, NULL, &why);
        if (r > 0)
                blame_all(b, &why);
        return r;
}

/* clang-format off */
static const struct {
        int (*run)(const struct batch *b);
        size_t max;             /* steps in one batch; 0: any number */
        bool all_or_nothing;    /* one bad step fails its whole batch */
} tools[PHASE_N] = {
        [PHASE_UNFLOW] = { run_flows, 0, true },
        [PHASE_UNPORT] = { run_vsctl, VSCTL_MAX_STEPS, true },
        [PHASE_UNLINK] = { run_ip, 0, false },
        [PHASE_LINK]   = { run_ip, 0, false },
        [PHASE_SEAL]   = { run_seal, 0, false },
        [PHASE_SHAPE]  = { run_tc, 0, false },
        [PHASE_UP]     = { run_ip, 0, false },
        [PHASE_PORT]   = { run_vsctl, VSCTL_MAX_STEPS, true },
        [PHASE_FLOW]   = { run_flows, 0, true },
};
/* clang-format on */

/* Steps of one owner stand together. Where a tool does all or nothing, a batch that fails is tried
 * again owner by owner. */
static int run_apart(enum phase phase, const struct batch *b, struct verdict *blameless)
{
        int r = 0;

        for (size_t i = 0, n; r >= 0 && i < b->n; i += n) {
                struct batch one = { .at = b->at, .steps = b->steps + i, .verdicts = blameless };

                for (n = 1; i + n < b->n && b->steps[i + n]->owner == b->steps[i]->owner;)
                        n++;
                one.n = n;
                r = tools[phase].run(&one);
        }
        return r < 0 ? err_pass(r) : 0;
}

static bool is_one_owner(const struct batch *b)
{
        return b->n == 0 || b->steps[0]->owner == b->steps[b->n - 1]->owner;
}

static int run_batch(enum phase phase, struct batch *b, size_t n_verdicts)
{
        OWN(mem_free) struct verdict *before = NULL;
        int r;

        if (!tools[phase].all_or_nothing || is_one_owner(b)) {
                r = tools[phase].run(b);
                return r < 0 ? err_pass(r) : 0;
        }
        before = calloc(n_verdicts + 1, sizeof *before);
        if (!before)
                return err_raise(-ENOMEM);
        memcpy(before, b->verdicts, n_verdicts * sizeof *before);
        r = tools[phase].run(b);
        if (r != PROCESS_FAILED)
                return r < 0 ? err_pass(r) : 0;
        memcpy(b->verdicts, before, n_verdicts * sizeof *before);
        return run_apart(phase, b, b->verdicts);
}

static int run_phase(const struct place *at, enum phase phase, const struct plan *plan,
                     struct verdict *verdicts, size_t n_verdicts)
{
        OWN(mem_free) const struct step **steps = calloc(plan->n + 1, sizeof(struct step *));
        struct batch b = { .at = at, .verdicts = verdicts };
        size_t n = 0, max = tools[phase].max;
        int r = 0;

        if (!steps)
                return err_raise(-ENOMEM);
        for (size_t i = 0; i < plan->n; i++) {
                const struct step *s = &plan->steps[i];

                if (s->phase == phase && (s->owner == OWNER_HOUSE || !verdicts[s->owner].given_up))
                        steps[n++] = s;
        }
        for (size_t i = 0; r == 0 && i < n; i += b.n) {
                b.steps = steps + i;
                b.n = max && n - i > max ? max : n - i;
                r = run_batch(phase, &b, n_verdicts);
        }
        return r;
}

int carry_out(const struct place *at, const struct plan *plan, struct verdict *verdicts,
              size_t n_verdicts)
{
        int r = 0;

        for (int phase = 0; r == 0 && phase < PHASE_N; phase++) {
                r = run_phase(at, (enum phase)phase, plan, verdicts, n_verdicts);
                if (phase == PHASE_UNPORT)
                        (void)FAILPOINT("helper.after_unport");
                if (phase == PHASE_LINK)
                        (void)FAILPOINT("helper.after_link");
                if (phase == PHASE_PORT)
                        (void)FAILPOINT("helper.after_port");
        }
        return r < 0 ? err_pass(r) : r;
}
