/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/own.h"

struct thing {
        int *n_freed;
};

static struct thing *thing_free(struct thing *t)
{
        ++*t->n_freed;
        return NULL;
}
OWN_DEFINE(struct thing *, thing_free)

static void an_owned_local_is_freed_once_at_the_end_of_its_scope(void **state)
{
        int n = 0;
        struct thing thing = { &n };

        (void)state;
        {
                OWN(thing_free) struct thing *t = &thing;

                (void)t;
        }
        assert_int_equal(n, 1);
}

static void what_was_given_away_is_not_freed(void **state)
{
        int n = 0;
        struct thing thing = { &n }, *taken;

        (void)state;
        {
                OWN(thing_free) struct thing *t = &thing;

                taken = TAKE(t);
                assert_null(t);
        }
        assert_ptr_equal(taken, &thing);
        assert_int_equal(n, 0);
}

UNIT_MAIN(UNIT(an_owned_local_is_freed_once_at_the_end_of_its_scope),
          UNIT(what_was_given_away_is_not_freed))
