/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct {
        char line[512];
        size_t n;
} trace;

static void trace_add(const char *prefix, const char *file, int line, const char *function)
{
        const char *slash = strrchr(file, '/');
        int n = snprintf(trace.line + trace.n, sizeof trace.line - trace.n, "%s%s:%d %s", prefix,
                         slash ? slash + 1 : file, line, function);

        /* A trace that is full keeps where the error began. */
        if (n < 0 || (size_t)n >= sizeof trace.line - trace.n)
                trace.line[trace.n] = '\0';
        else
                trace.n += (size_t)n;
}

int err_raise_at(int r, const char *file, int line, const char *function)
{
        const char *name = strerrorname_np(-r);
        int n;

        assert(r < 0);
        n = name ? snprintf(trace.line, sizeof trace.line, "%s", name)
                 : snprintf(trace.line, sizeof trace.line, "error %d", -r);
        trace.n = n < 0 ? 0 : (size_t)n;
        trace_add(" at ", file, line, function);
        return r;
}

int err_pass_at(int r, const char *file, int line, const char *function)
{
        assert(r < 0);
        if (trace.n == 0)
                return err_raise_at(r, file, line, function);
        trace_add(" < ", file, line, function);
        return r;
}

const char *err_trace(void)
{
        return trace.line;
}
