#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership written down: OWN(noun_free) frees a local when it leaves its scope, TAKE() gives it
 * away. */

#include <stddef.h>
#include <string.h>

/* A local that owns: starts NULL, is freed at the end of its scope unless given away with TAKE().
 */
#define OWN(free_fn) __attribute__((cleanup(own_##free_fn)))

/* Makes 'free_fn' usable in OWN(); 'type' is the pointer type, 'free_fn' accepts NULL. */
#define OWN_DEFINE(type, free_fn)                                                                  \
        static inline void own_##free_fn(type *p)                                                  \
        {                                                                                          \
                if (*p)                                                                            \
                        free_fn(*p);                                                               \
        }

/* Gives away what 'p' owns: its value, leaving NULL behind. */
#define TAKE(p)                                                                                    \
        __extension__({                                                                            \
                __typeof__(p) taken_ = (p);                                                        \
                (p) = NULL;                                                                        \
                taken_;                                                                            \
        })

/* free() itself, for a local pointer of any type: OWN(mem_free) char *text = NULL; */
void *mem_free(void *p);
static inline void own_mem_free(void *local)
{
        void *p;

        memcpy(&p, local, sizeof p);
        mem_free(p);
}
