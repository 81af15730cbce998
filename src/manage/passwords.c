/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/passwords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"

static const char blanks[] = " \t\r\n";

static struct password *find(const struct passwords *p, const char *user)
{
        for (size_t i = 0; i < p->n; i++)
                if (strcmp(p->list[i].user, user) == 0)
                        return &p->list[i];
        return NULL;
}

static void forget(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
}

int passwords_set(struct passwords *p, const char *user, const char *password)
{
        struct password *at = find(p, user);
        char *copy = strdup(password);

        if (!copy)
                return err_raise(-ENOMEM);
        if (at) {
                forget(at->password);
                at->password = copy;
                return PASSWORDS_OK;
        }
        if (p->n == p->room) {
                size_t room = p->room ? p->room * 2 : 16;
                struct password *more = reallocarray(p->list, room, sizeof *more);

                if (!more) {
                        forget(copy);
                        return err_raise(-ENOMEM);
                }
                p->list = more;
                p->room = room;
        }
        p->list[p->n] = (struct password){ strdup(user), copy };
        if (!p->list[p->n++].user)
                return err_raise(-ENOMEM);
        return PASSWORDS_OK;
}

const char *passwords_get(const struct passwords *p, const char *user)
{
        const struct password *at = find(p, user);

        return at ? at->password : NULL;
}

const char *passwords_stranger(const struct passwords *p, const char *const *known)
{
        for (size_t i = 0; i < p->n; i++) {
                const char *const *k = known;

                while (*k && strcmp(*k, p->list[i].user) != 0)
                        k++;
                if (!*k)
                        return p->list[i].user;
        }
        return NULL;
}

static char *trim(char *text)
{
        size_t n;

        text += strspn(text, blanks);
        for (n = strlen(text); n > 0 && strchr(blanks, text[n - 1]); n--)
                text[n - 1] = '\0';
        return text;
}

static int read_line(struct passwords *p, char *line, const char *path, int number, struct fault *why)
{
        char *user = trim(line), *equals = strchr(user, '=');

        if (!*user || *user == '#' || *user == ';')
                return PASSWORDS_OK;
        if (equals) {
                char *password = trim(equals + 1);

                *equals = '\0';
                user = trim(user);
                if (*user && *password)
                        return passwords_set(p, user, password);
        }
        fault_set(why, 400, "passwords.invalid", "%s:%d: expected \"user = password\".", path, number);
        return PASSWORDS_BAD;
}

int passwords_read(struct passwords *p, const char *path, bool or_none, struct fault *why)
{
        FILE *f = fopen(path, "re");
        char *line = NULL;
        size_t room = 0;
        int r = PASSWORDS_OK;

        if (!f && or_none && errno == ENOENT)
                return PASSWORDS_OK;
        if (!f) {
                fault_set(why, 400, "passwords.unreadable", "%s cannot be read: %s.", path, strerrordesc_np(errno));
                return PASSWORDS_BAD;
        }
        for (int number = 1; r == PASSWORDS_OK && getline(&line, &room, f) >= 0; number++)
                r = read_line(p, line, path, number, why);
        if (r == PASSWORDS_OK && ferror(f)) {
                fault_set(why, 400, "passwords.unreadable", "%s cannot be read to its end.", path);
                r = PASSWORDS_BAD;
        }
        if (line)
                explicit_bzero(line, room);
        free(line);
        fclose(f);
        return r < 0 ? err_pass(r) : r;
}

static bool write_all(const struct passwords *p, const char *path)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
        bool good;

        if (!f) {
                if (fd >= 0)
                        close(fd);
                return false;
        }
        fputs("# The broker's users, as `atlas-manage bus sync` made them.\n", f);
        for (size_t i = 0; i < p->n; i++)
                fprintf(f, "%s = %s\n", p->list[i].user, p->list[i].password);
        good = fflush(f) == 0 && !ferror(f) && fsync(fd) == 0;
        return fclose(f) == 0 && good;
}

int passwords_write(const struct passwords *p, const char *path, struct fault *why)
{
        OWN(text_done) struct text temporary = { 0 };

        text_addf(&temporary, "%s.%ld", path, (long)getpid());
        if (temporary.failed)
                return err_raise(-ENOMEM);
        if (write_all(p, temporary.bytes) && rename(temporary.bytes, path) == 0)
                return PASSWORDS_OK;
        fault_set(why, 500, "passwords.unwritable", "%s cannot be written: %s.", path, strerrordesc_np(errno));
        unlink(temporary.bytes);
        return PASSWORDS_BAD;
}

void passwords_done(struct passwords *p)
{
        for (size_t i = 0; i < p->n; i++) {
                free(p->list[i].user);
                forget(p->list[i].password);
        }
        free(p->list);
        *p = (struct passwords){ 0 };
}
