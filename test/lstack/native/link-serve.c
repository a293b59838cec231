/* An echo server, called by link-main.c or loaded by it. Compiled with fortified calls. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int serve(const char *address, int port, size_t most, nfds_t watched);

/* The compiler knows neither `most` nor `watched`: it calls __recv_chk and __poll_chk. */
static void echo(int client, size_t most, nfds_t watched)
{
    char buffer[4096];
    struct pollfd list[1] = { { .fd = client, .events = POLLIN } };
    ssize_t length = 1;

    while (length > 0 && poll(list, watched, -1) > 0) {
        length = recv(client, buffer, most, 0);
        if (length > 0 && send(client, buffer, (size_t)length, 0) != length)
            break;
    }
    close(client);
}

int serve(const char *address, int port, size_t most, nfds_t watched)
{
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    inet_pton(AF_INET, address, &local.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(listener, (const struct sockaddr *)&local, sizeof(local)) != 0 || listen(listener, 16) != 0) {
        perror("listen");
        return 1;
    }
    for (;;) {
        int client = accept(listener, NULL, NULL);

        if (client < 0)
            return 1;
        echo(client, most, watched);
    }
}
