/*
 * The control socket: PID.sock in /var/run/gazelle (root) or XDG_RUNTIME_DIR/gazelle. Whoever connects, and has our user
 * id or is root, gets one JSON document and the end of the stream. Numbers are read without the stack's lock: each has one
 * writer and is a single word. Their names are in the table that the build makes of stack/stats.
 */
#include "control.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "stack.h"

#define PROTOCOL 1
#define ANSWER_SIZE 32768
#define CLIENTS_MOST 16

static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static pid_t maker;

/* The folder for control sockets, made when missing; false when there is none that is ours alone. */
static bool find_folder(char *folder, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    struct stat status;

    if (geteuid() == 0)
        snprintf(folder, size, "/var/run/gazelle");
    else if (runtime != NULL && runtime[0] == '/')
        snprintf(folder, size, "%s/gazelle", runtime);
    else
        return false;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return false;
    return lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
        (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool deserted(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return refused;
}

/* Takes away what processes that were killed left behind. */
static void sweep(const char *folder)
{
    DIR *all = opendir(folder);
    struct dirent *entry;

    if (all == NULL)
        return;
    while ((entry = readdir(all)) != NULL) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t length = strlen(entry->d_name);

        if (length < 6 || strcmp(entry->d_name + length - 5, ".sock") != 0)
            continue;
        int size = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, entry->d_name);

        if (size < (int)sizeof(address.sun_path) && deserted(&address))
            unlink(address.sun_path);
    }
    closedir(all);
}

int gz_control_open(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char folder[PATH_MAX];
    int fd;

    if (!find_folder(folder, sizeof(folder)))
        return -1;
    sweep(folder);
    int size = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%d.sock", folder,
        (int)getpid());

    if (size >= (int)sizeof(address.sun_path))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    unlink(address.sun_path);
    /* Nobody else enters the folder: the mode is right before anyone can come. */
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || chmod(address.sun_path, 0600) != 0 ||
        listen(fd, CLIENTS_MOST) != 0) {
        close(fd);
        return -1;
    }
    memcpy(socket_path, address.sun_path, sizeof(socket_path));
    maker = getpid();
    return gz_internal(fd);
}

/* At the process' normal end; what a kill leaves is swept by the next start. */
__attribute__((destructor)) static void leave(void)
{
    if (maker == getpid())
        unlink(socket_path);
}

struct text {
    char *at;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(text->at, text->room, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= text->room)
        size = (int)text->room - 1;
    text->at += size;
    text->room -= (size_t)size;
}

/* The numbers from `start` to `end` as an array; the names' table says how many of them mean something. */
static void add_table(struct text *text, const char *name, uint32_t start, uint32_t end)
{
    add(text, ",\"%s\":[", name);
    for (uint32_t at = start; at < end; at += 8)
        add(text, "%s%llu", at == start ? "" : ",", (unsigned long long)gz_get64(at));
    add(text, "]");
}

static void add_pools(struct text *text)
{
    add(text, ",\"pools\":[");
    for (uint32_t i = 0; i < GZ_POOL_COUNT; i++) {
        uint32_t at = GZ_POOLS + i * GZ_POOL_SIZE;

        add(text, "%s{\"capacity\":%u,\"used\":%u,\"peak\":%u,\"exhausted\":%llu}", i == 0 ? "" : ",",
            gz_get32(at + GZ_POOL_CAPACITY), gz_get32(at + GZ_POOL_USED), gz_get32(at + GZ_POOL_PEAK),
            (unsigned long long)gz_get64(at + GZ_POOL_EXHAUSTED));
    }
    add(text, "]");
}

static void answer(int client)
{
    char buffer[ANSWER_SIZE];
    struct text text = { buffer, sizeof(buffer) };
    const struct gz_port *port = &gz_stack.port;

    add(&text, "{\"protocol\":%d,\"layout\":%u,\"pid\":%d,\"poisoned\":%s", PROTOCOL, GZ_LAYOUT_VERSION, (int)getpid(),
        atomic_load(&gz_stack.shared->poisoned) ? "true" : "false");
    add(&text, ",\"port\":{\"kind\":\"%s\",\"device\":\"%s\",\"mtu\":%u,\"skipped\":%llu,\"refused\":%llu}", port->kind->name,
        port->device, port->mtu, (unsigned long long)port->skipped, (unsigned long long)port->refused);
    add_table(&text, "counters", GZ_COUNTERS, GZ_DROPS);
    add_table(&text, "drops", GZ_DROPS, GZ_RESETS);
    add_table(&text, "resets", GZ_RESETS, GZ_FALLBACKS);
    add_table(&text, "fallbacks", GZ_FALLBACKS, GZ_COUNTERS_END);
    add_pools(&text);
    add(&text, "}\n");
    size_t length = (size_t)(text.at - buffer);

    /* The socket's buffer has room for all of it; a client that is gone misses the rest. */
    if (send(client, buffer, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
        return;
}

void gz_control_serve(int fd)
{
    for (int i = 0; i < CLIENTS_MOST; i++) {
        struct ucred peer;
        socklen_t size = sizeof(peer);
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (client < 0)
            return;
        if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid()))
            answer(client);
        close(client);
    }
}
