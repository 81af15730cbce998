/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "gateway-helper/process.h"
#include "gateway-helper/seal.h"

static int ask(const struct place *at, const char *const *argv, const struct text *input,
               int also_good, struct text *ret, struct fault *why)
{
        struct fault complaint = { 0 };
        int status;
        int r = process_run(argv, input ? input->bytes : NULL, input ? input->n : 0,
                            at->deadline_mono_ms, ret, NULL, &status, &complaint);

        if (r == PROCESS_FAILED && status == also_good)
                return SURVEY_OK;
        if (r > 0 && why)
                *why = complaint;
        if (r == 0 && ret->failed)
                return err_raise(-ENOMEM);
        return r;
}

static int survey_links(const struct place *at, struct found *ret, struct fault *why)
{
        static const char *const argv[] = { "ip", "-j", "-d", "link", "show", NULL };
        OWN(text_done) struct text out = { 0 };
        int r = ask(at, argv, NULL, 0, &out, why);

        r = r ? r : found_links(ret, out.bytes, at->wan_port, why);
        for (size_t i = 0; r == 0 && i < ret->n; i++)
                if (ret->devices[i]->exists)
                        ret->devices[i]->sealed = seal_holds(ret->devices[i]->name);
        return r;
}

static int survey_qdiscs(const struct place *at, struct found *ret, struct fault *why)
{
        static const char *const argv[] = { "tc", "-j", "qdisc", "show", NULL };
        OWN(text_done) struct text out = { 0 };
        int r = ask(at, argv, NULL, 0, &out, why);

        return r ? r : found_qdiscs(ret, out.bytes, why);
}

static int survey_switch(const struct place *at, struct found *ret, struct fault *why)
{
        const char *const argv[] = {
                "ovs-vsctl",  "-f",        "json",      "--columns=name,ofport,error",
                "list",       "interface", "--",        "get",
                "bridge",     at->bridge,  "fail_mode", "--",
                "list-ports", at->bridge,  NULL
        };
        OWN(text_done) struct text out = { 0 };
        int r = ask(at, argv, NULL, 0, &out, why);

        return r ? r : found_switch(ret, out.bytes, at->bridge, at->wan_port, why);
}

static int survey_flows(const struct place *at, struct found *ret, struct fault *why)
{
        enum { THEY_DIFFER = 2 };
        const char *const argv[] = { "ovs-ofctl", "-O",         "OpenFlow13", "diff-flows",
                                     at->bridge,  "/dev/stdin", NULL };
        OWN(text_done) struct text wanted = { 0 };
        OWN(text_done) struct text out = { 0 };
        int r;

        found_flows_wanted(ret, &wanted);
        if (wanted.failed)
                return err_raise(-ENOMEM);
        r = ask(at, argv, &wanted, THEY_DIFFER, &out, why);
        return r ? r : found_flows(ret, out.bytes);
}

int survey(const struct place *at, struct found *ret, struct fault *why)
{
        int r = survey_links(at, ret, why);

        r = r ? r : survey_qdiscs(at, ret, why);
        r = r ? r : survey_switch(at, ret, why);
        r = r ? r : survey_flows(at, ret, why);
        if (r < 0)
                return err_pass(r);
        return r ? SURVEY_FAILED : SURVEY_OK;
}

/* The 22nd word of /proc/PID/stat is when the process started. */
static void add_start_time(struct text *t, const char *pid)
{
        char path[64], stat[1024] = "", *word;
        ssize_t n = -1;
        int fd;

        snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
                n = read(fd, stat, sizeof stat - 1);
                close(fd);
        }
        word = n > 0 ? strrchr(stat, ')') : NULL;
        for (int i = 2; word && i < 22; i++)
                word = strchr(word + 1, ' ');
        if (word)
                text_add_n(t, word, strcspn(word + 1, " ") + 1);
}

static void read_line(const char *path, char *ret, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : -1;

        if (fd >= 0)
                close(fd);
        ret[n > 0 ? n : 0] = '\0';
        ret[strcspn(ret, "\n")] = '\0';
}

void boot_id(char ret[64])
{
        const char *run_dir = getenv("OVS_RUNDIR");
        OWN(text_done) struct text what = { 0 };
        char boot[64], pid[32], path[512];
        struct stat net = { 0 };

        read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
        snprintf(path, sizeof path, "%s/ovs-vswitchd.pid",
                 run_dir ? run_dir : "/var/run/openvswitch");
        read_line(path, pid, sizeof pid);
        if (stat("/proc/self/ns/net", &net) != 0)
                net.st_ino = 0;
        text_addf(&what, "%s %ju %s", boot, (uintmax_t)net.st_ino, pid);
        add_start_time(&what, pid);
        snprintf(ret, 64, "%016" PRIx64, digest_text(what.bytes ? what.bytes : ""));
}
