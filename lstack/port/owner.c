#include "owner.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool gz_kernel_owns(const uint8_t address[4], char *message, size_t size)
{
    struct ifaddrs *all;
    bool owns = false;

    if (getifaddrs(&all) != 0)
        return false;
    for (struct ifaddrs *at = all; at != NULL && !owns; at = at->ifa_next) {
        const struct sockaddr_in *own = (const struct sockaddr_in *)at->ifa_addr;
        char text[INET_ADDRSTRLEN];

        if (own == NULL || own->sin_family != AF_INET || memcmp(&own->sin_addr, address, 4) != 0)
            continue;
        owns = true;
        inet_ntop(AF_INET, &own->sin_addr, text, sizeof(text));
        snprintf(message, size,
            "the kernel owns %s on %s, both would answer; `ip addr del %s dev %s`, or choose another "
            "host_addr",
            text, at->ifa_name, text, at->ifa_name);
    }
    freeifaddrs(all);
    return owns;
}
