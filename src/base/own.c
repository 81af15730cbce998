/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"

#include <stdlib.h>

void *mem_free(void *p)
{
        free(p);
        return NULL;
}
