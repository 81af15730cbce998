/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

/* clang-format off */
static const struct { const char *family, *name; char value; } switches[] = {
        { "ipv4", "rp_filter",    '1' },
        { "ipv4", "arp_ignore",   '8' },
        { "ipv4", "forwarding",   '0' },
        { "ipv6", "disable_ipv6", '1' },
};
/* clang-format on */
enum { N_SWITCHES = sizeof switches / sizeof *switches, NO_FLAGS = 0 };

static int open_switch(const char *interface, int i, int flags)
{
        char path[128];

        snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", switches[i].family, interface,
                 switches[i].name);
        return open(path, flags | O_CLOEXEC);
}

/* A kernel without IPv6 has nothing to switch off. */
static bool is_absent_family(int i)
{
        return errno == ENOENT && !strcmp(switches[i].family, "ipv6") &&
               access("/proc/sys/net/ipv6", F_OK) != 0;
}

/* Reads or sets the device's transmit checksum offload. */
static int checksum_offload(const char *interface, uint32_t command, uint32_t *value)
{
        struct ethtool_value e = { .cmd = command, .data = *value };
        struct ifreq request = { .ifr_data = (void *)&e };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r = 0;

        TEXT_SET(request.ifr_name, interface);
        if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request) != 0)
                r = errno;
        if (fd >= 0)
                close(fd);
        *value = e.data;
        return r;
}

static int failed(const char *interface, const char *what, int error, struct fault *why)
{
        fault_set(why, 500, "gateway.device_error",
                  "%s of the gateway's interface %s cannot be set: %s.", what, interface,
                  strerror(error));
        return SEAL_FAILED;
}

int seal(const char *interface, struct fault *why)
{
        uint32_t off = 0;
        int r;

        for (int i = 0; i < N_SWITCHES; i++) {
                int fd = open_switch(interface, i, O_WRONLY);

                if (fd < 0 && is_absent_family(i))
                        continue;
                r = fd < 0 || write(fd, &switches[i].value, 1) != 1 ? errno : 0;
                if (fd >= 0)
                        close(fd);
                if (r != 0)
                        return failed(interface, switches[i].name, r, why);
        }
        r = checksum_offload(interface, ETHTOOL_STXCSUM, &off);
        return r && r != EOPNOTSUPP ? failed(interface, "checksum offload", r, why) : SEAL_OK;
}

bool seal_holds(const char *interface)
{
        uint32_t on = 0;

        for (int i = 0; i < N_SWITCHES; i++) {
                int fd = open_switch(interface, i, O_RDONLY);
                char value = 0;

                if (fd < 0 && is_absent_family(i))
                        continue;
                if (fd < 0 || read(fd, &value, 1) != 1 || value != switches[i].value) {
                        if (fd >= 0)
                                close(fd);
                        return false;
                }
                close(fd);
        }
        return checksum_offload(interface, ETHTOOL_GTXCSUM, &on) != 0 || on == 0;
}
