/* SPDX-License-Identifier: Apache-2.0 */
#include "support/alone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void alone(char **argv)
{
        char self[4096];
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

        if (getenv("ATLAS_ALONE"))
                return;
        self[n > 0 ? n : 0] = '\0';
        setenv("ATLAS_ALONE", "1", 1);
        execl(ATLAS_SOURCE_DIR "/tests/support/alone.sh", "alone.sh", self, argv[1], (char *)NULL);
        perror("alone.sh");
        exit(1);
}

int shell(char *ret, unsigned long size, const char *format, ...)
{
        char command[4096], rest[4096];
        va_list args;
        size_t n = 0;
        FILE *f;
        int status;

        va_start(args, format);
        vsnprintf(command, sizeof command, format, args);
        va_end(args);
        f = popen(command, "r");
        if (!f)
                return -1;
        if (ret) {
                n = fread(ret, 1, size - 1, f);
                ret[n] = '\0';
        }
        while (fread(rest, 1, sizeof rest, f) > 0)
                ;
        status = pclose(f);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
