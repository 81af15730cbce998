/* SPDX-License-Identifier: Apache-2.0 */
/* What the quick reader takes, jansson takes, and makes the same of it. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/quick_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        json_auto_t *quick = quick_json_load((const char *)bytes, n);
        json_auto_t *slow =
                quick ? json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL) : NULL;

        assert(!quick || (slow && json_equal(quick, slow)));
        return 0;
}
