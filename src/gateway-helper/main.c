/* SPDX-License-Identifier: Apache-2.0 */
/* atlas-gateway-helper: runs on a gateway host for one request of the site's agent, which starts it
 * over SSH. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/daemon.h"
#include "base/err.h"
#include "base/text.h"
#include "gateway-helper/helper.h"

enum { REQUEST_MAX = 16 << 20 };

static int read_request(json_t **ret)
{
        OWN(text_done) struct text input = { 0 };
        char chunk[65536];
        size_t n;

        while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0 && input.n <= REQUEST_MAX)
                text_add_n(&input, chunk, n);
        if (ferror(stdin) || input.failed)
                return err_raise(-EIO);
        /* NULL when it is no JSON: the answer says so. */
        *ret = input.n <= REQUEST_MAX ? json_loadb(input.n ? input.bytes : "", input.n,
                                                   JSON_REJECT_DUPLICATES, NULL)
                                      : NULL;
        return 0;
}

static int run(int argc, char **argv)
{
        json_auto_t *request = NULL, *answer = NULL;
        int r;

        if (argc == 2 && !strcmp(argv[1], "--version"))
                return puts("atlas-gateway-helper " ATLAS_VERSION) == EOF ? err_raise(-EIO) : 0;
        if (argc != 1) {
                fputs("Usage: atlas-gateway-helper < REQUEST   (JSON; the agent of the site sends it)\n",
                      stderr);
                return 1;
        }
        r = read_request(&request);
        if (r != 0)
                return err_pass(r);
        answer = helper_answer(request);
        if (!answer)
                return err_raise(-ENOMEM);
        if (json_dumpf(answer, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF ||
            fflush(stdout) != 0)
                return err_raise(-EIO);
        return 0;
}
DAEMON_MAIN("atlas-gateway-helper", run)
