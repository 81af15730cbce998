#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the headers it needs before it, and the shape of a test program:
 *
 *   static void a_sentence_that_holds(void **state) { ... }
 *   UNIT_MAIN(UNIT(a_sentence_that_holds), UNIT(another_one))
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UNIT(test)        cmocka_unit_test(test)
#define N_ELEMENTS(array) (sizeof(array) / sizeof *(array))

#define UNIT_MAIN(...)                                                                             \
        int main(void)                                                                             \
        {                                                                                          \
                const struct CMUnitTest tests[] = { __VA_ARGS__ };                                 \
                return cmocka_run_group_tests(tests, NULL, NULL);                                  \
        }
