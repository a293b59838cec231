/*
 * The control socket's file: unix_prefix, the process id and `.sock`, in /var/run/gazelle for root, else in
 * XDG_RUNTIME_DIR/gazelle, or in /tmp/gazelle-UID if that cannot be. Nobody else may write to the folder.
 */
#include "control_path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "stack.h"

#define SUFFIX ".sock"
#define ATTEMPTS 3

static char folder[PATH_MAX];
static struct sockaddr_un place;
/* The process that the file belongs to; a forked child must not remove it. */
static pid_t maker;

/*
 * Makes the folder unless it exists; false when others may write to it. ltran lets others pass through, to
 * its socket; each socket says itself who may connect.
 */
static bool use_folder(void)
{
    struct stat status;

    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return false;
    return lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
        (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool gz_control_folder(int place, char path[PATH_MAX])
{
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");

    path[0] = '\0';
    if (place == 0)
        snprintf(path, PATH_MAX, "/var/run/gazelle");
    else if (place == 2)
        snprintf(path, PATH_MAX, "/tmp/gazelle-%u", (unsigned)geteuid());
    else if (runtime != NULL && runtime[0] == '/')
        snprintf(path, PATH_MAX, "%s/gazelle", runtime);
    return path[0] != '\0';
}

/* Who became another user may still have the first one's XDG_RUNTIME_DIR: then it is of no use. */
static bool find_folder(void)
{
    if (geteuid() == 0)
        return gz_control_folder(0, folder) && use_folder();
    return (gz_control_folder(1, folder) && use_folder()) || (gz_control_folder(2, folder) && use_folder());
}

/* False: the path is longer than an address of a unix socket can be. */
static bool make_path(struct sockaddr_un *address, const char *prefix, const char *name)
{
    int size = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s%s", folder, prefix, name);

    address->sun_family = AF_UNIX;
    return size > 0 && (size_t)size < sizeof(address->sun_path);
}

/* Binds to a path in the folder. The last process that leaves takes that away: then it is made once more. */
static int bind_in_folder(int fd, const struct sockaddr_un *address)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        unlink(address->sun_path);
        if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
            return 0;
        if (errno != ENOENT || !use_folder())
            break;
    }
    return -1;
}

int gz_control_bind(int fd, int backlog)
{
    struct sockaddr_un raw;
    char name[32];

    snprintf(name, sizeof(name), "%d" SUFFIX, (int)getpid());
    if (!find_folder() || !make_path(&place, gz_process.config.unix_prefix, name))
        return -1;
    /* It gets its name when it listens already: others may remove a socket of that name that refuses. */
    snprintf(name, sizeof(name), ".%d", (int)getpid());
    if (!make_path(&raw, "", name) || fchmod(fd, S_IRUSR | S_IWUSR) != 0)
        return -1;
    if (bind_in_folder(fd, &raw) != 0)
        return -1;
    if (listen(fd, backlog) != 0 || rename(raw.sun_path, place.sun_path) != 0) {
        unlink(raw.sun_path);
        return -1;
    }
    maker = getpid();
    return 0;
}

/* At the normal end of the process. The folder goes with the last socket in it. */
__attribute__((destructor)) static void leave(void)
{
    if (maker != getpid())
        return;
    unlink(place.sun_path);
    rmdir(folder);
}

static bool deserted(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return false;
    int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    bool refused = result != 0 && errno == ECONNREFUSED;

    close(fd);
    return refused;
}

/*
 * Whether a name is that of a process' socket: a number stands before the ending. What an ltran leaves tells
 * the next one that programs wait for it, and is not to be taken away.
 */
static bool is_process_socket(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);

    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0 &&
        isdigit((unsigned char)name[length - suffix - 1]);
}

/* Whether a name is one that a socket has before its own, of a process that is gone. */
static bool is_unfinished(const char *name)
{
    char *end = NULL;
    long process = name[0] == '.' ? strtol(name + 1, &end, 10) : 0;

    return process > 0 && *end == '\0' && !gz_process_alive((pid_t)process);
}

void gz_control_sweep(void)
{
    DIR *all = opendir(folder);
    struct dirent *entry;
    struct sockaddr_un address;

    if (all == NULL)
        return;
    while ((entry = readdir(all)) != NULL) {
        if (!make_path(&address, "", entry->d_name))
            continue;
        if (is_unfinished(entry->d_name) || (is_process_socket(entry->d_name) && deserted(&address)))
            unlink(address.sun_path);
    }
    closedir(all);
}
