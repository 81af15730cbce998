/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON file as a pretended device's memory, shared by processes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "drivers/fake/injection.h"

static char *beside(const char *path, const char *suffix)
{
        char *ret = NULL;

        return asprintf(&ret, "%s%s", path, suffix) < 0 ? NULL : ret;
}

int state_file_lock(const char *path, int *ret_fd)
{
        OWN(mem_free) char *lock = beside(path, ".lock");
        int fd = lock ? open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

        if (fd < 0)
                return err_raise(lock ? -errno : -ENOMEM);
        if (flock(fd, LOCK_EX) != 0) {
                int r = -errno;

                close(fd);
                return err_raise(r);
        }
        *ret_fd = fd;
        return 0;
}

void state_file_unlock(int fd)
{
        if (fd >= 0)
                close(fd);
}

int state_file_load(const char *path, json_t **ret)
{
        json_error_t error;

        *ret = NULL;
        if (access(path, F_OK) != 0)
                return errno == ENOENT ? 0 : err_raise(-errno);
        *ret = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
        return *ret ? 0 : err_raise(-EBADMSG);
}

int state_file_store(const char *path, const json_t *doc)
{
        OWN(mem_free) char *fresh = beside(path, ".new");

        if (!fresh)
                return err_raise(-ENOMEM);
        if (json_dump_file(doc, fresh, JSON_COMPACT) != 0)
                return err_raise(-EIO);
        return rename(fresh, path) == 0 ? 0 : err_raise(-errno);
}
