/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int fault_set(struct fault *ret, int code, const char *type, const char *format, ...)
{
        struct fault made = { .code = code };
        char message[2 * sizeof made.message];
        va_list args;

        if (!ret)
                return code;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        TEXT_SET(made.type, type);
        TEXT_SET(made.message, message);
        *ret = made; /* only now: the arguments may come from 'ret' itself */
        return code;
}

void fault_details(struct fault *f, const char *format, ...)
{
        va_list args;
        int n;

        if (!f)
                return;
        va_start(args, format);
        n = vsnprintf(f->details, sizeof f->details, format, args);
        va_end(args);
        if (n < 0 || (size_t)n >= sizeof f->details)
                f->details[0] = '\0';
}

void fault_clear(struct fault *f)
{
        if (f)
                *f = (struct fault){ 0 };
}
