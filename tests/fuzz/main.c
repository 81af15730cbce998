/* SPDX-License-Identifier: Apache-2.0 */
/* Gives every file of the corpus folders and files named as arguments to the fuzz target, each also
 * cut short at some places, from a buffer of exactly its size, so that the sanitizers see every
 * byte read too far. Without a single input it fails: an empty corpus proves nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 16 };

static void feed(const uint8_t *data, size_t n)
{
        uint8_t *exact = malloc(n ? n : 1);

        if (!exact)
                abort();
        if (n > 0)
                memcpy(exact, data, n);
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
}

static int replay_file(const char *path)
{
        FILE *stream = fopen(path, "rb");
        uint8_t *data = NULL;
        size_t n = 0, k, room = 0;

        if (!stream) {
                perror(path);
                return -1;
        }
        do {
                room = 2 * room + 4096;
                data = realloc(data, room);
                if (!data)
                        abort();
                k = fread(data + n, 1, room - n, stream);
                n += k;
        } while (n == room);
        fclose(stream);
        fprintf(stderr, "%s: %zu bytes\n", path, n);
        feed(data, n);
        for (size_t i = 0; i < CUTS; i++)
                feed(data, n * i / CUTS);
        free(data);
        return 1;
}

/* The number of inputs fed, or -1. */
static int replay(const char *path)
{
        struct dirent **entries;
        int n, total = 0;

        n = scandir(path, &entries, NULL, alphasort);
        if (n < 0)
                return replay_file(path);
        for (int i = 0; i < n; i++) {
                char inner[4096];
                struct stat status;

                snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
                if (total >= 0 && stat(inner, &status) == 0 && S_ISREG(status.st_mode)) {
                        int k = replay_file(inner);

                        total = k < 0 ? -1 : total + k;
                }
                free(entries[i]);
        }
        free(entries);
        return total;
}

int main(int argc, char **argv)
{
        int total = 0;

        for (int i = 1; i < argc; i++) {
                int n = replay(argv[i]);

                if (n < 0)
                        return 1;
                total += n;
        }
        printf("%d inputs\n", total);
        return total > 0 ? 0 : 1;
}
