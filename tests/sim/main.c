/* SPDX-License-Identifier: Apache-2.0 */
/* sim_run [--seed N] [--schedules N] [--steps N] [-v]: runs schedules, each from a seed of its own. A seed that breaks an invariant
 * is printed with it and with what happened last; `--seed N --schedules 1` plays it again. At the end
 * rows of workflows that never ran are named; with --all-rows that is a failure. With --caught-within N an
 * invariant has to break in one of N schedules. ATLAS_SIM_SCHEDULES in the environment goes before --schedules. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "flow/flow.h"
#include "sim/sim.h"

struct options {
        unsigned long long seed, schedules;
        int steps, max_broken;
        bool verbose, all_rows, must_break;
};

static bool options_read(int argc, char **argv, struct options *ret)
{
        static const struct option longs[] = {
                { "seed", required_argument, NULL, 's' }, { "schedules", required_argument, NULL, 'n' },
                { "steps", required_argument, NULL, 't' }, { "all-rows", no_argument, NULL, 'a' },
                { "keep-going", required_argument, NULL, 'k' }, { "caught-within", required_argument, NULL, 'c' }, { 0 },
        };
        const char *many = getenv("ATLAS_SIM_SCHEDULES");
        int c;

        while ((c = getopt_long(argc, argv, "v", longs, NULL)) != -1) {
                if (c == 's')
                        ret->seed = strtoull(optarg, NULL, 10);
                else if (c == 'n' || c == 'c')
                        ret->schedules = strtoull(optarg, NULL, 10);
                else if (c == 't')
                        ret->steps = (int)strtol(optarg, NULL, 10);
                else if (c == 'k')
                        ret->max_broken = (int)strtol(optarg, NULL, 10);
                else if (c == 'a')
                        ret->all_rows = true;
                else if (c == 'v')
                        ret->verbose = true;
                else
                        return false;
                ret->must_break |= c == 'c';
        }
        if (many && !ret->must_break)
                ret->schedules = strtoull(many, NULL, 10);
        return optind == argc;
}

/* True when nothing broke. */
static bool play(const struct options *o, unsigned long long seed)
{
        static struct sim s;
        bool whole;

        sim_init(&s, seed, o->verbose);
        sim_run_schedule(&s, o->steps);
        whole = !s.broken[0];
        if (!whole) {
                if (o->max_broken == 1 && !o->must_break)
                        sim_trace_print(&s);
                printf("seed %llu (steps %d): %s\n", seed, o->steps, s.broken);
        }
        sim_done(&s);
        return whole;
}

static int rows_missing(void)
{
        int n = 0;

        for (const struct flow *const *f = conductor_flows; *f; f++)
                for (const struct flow_row *row = (*f)->rows; row->pos; row++)
                        if (!flow_row_count(row->pos)) {
                                printf("row %d (%s: %s in %s) never ran\n", row->pos, (*f)->name,
                                       (*f)->events[row->event], (*f)->states[row->state]);
                                n++;
                        }
        return n;
}

int main(int argc, char **argv)
{
        struct options o = { .seed = 1, .schedules = 100, .steps = 40, .max_broken = 1 };
        struct timespec from, to;
        int n_broken = 0, n_missing;

        log_open("sim_run", LOG_LEVEL_ERROR);
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (!options_read(argc, argv, &o)) {
                fprintf(stderr, "usage: sim_run [--seed N] [--schedules N] [--steps N] [--keep-going N] [--caught-within N] [--all-rows] [-v]\n");
                return 2;
        }
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (unsigned long long i = 0; i < o.schedules && n_broken < o.max_broken; i++)
                n_broken += !play(&o, o.seed + i);
        clock_gettime(CLOCK_MONOTONIC, &to);
        n_missing = n_broken || o.must_break || o.schedules < 100 ? 0 : rows_missing();
        printf("%llu schedules of %d steps from seed %llu: %d broken, %d rows never ran, %.1f s\n", o.schedules, o.steps,
               o.seed, n_broken, n_missing, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
        if (o.must_break)
                return !n_broken;
        return n_broken || (o.all_rows && n_missing);
}
