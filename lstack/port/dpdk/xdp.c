/*
 * The XDP program of net_af_xdp stays on its interface when the process is killed, and keeps the peer from
 * using its offloads. A marker in /var/run/gazelle, named after the program's number and the boot, proves
 * that a program is ours: every process that uses it holds a read lock on the marker, and locks end with
 * their process.
 */
#include "dpdk.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#define FOLDER "/var/run/gazelle"
#define PREFIX "xdp-"

/* More than a bond has devices. */
#define MARKS_MOST 16

struct mark {
    unsigned interface;
    /* A program of somebody else's that was there before us. */
    uint32_t foreign;
    char path[128];
    int fd;
    /* A forked child must not take away what its parent uses. */
    pid_t maker;
};

static struct mark marks[MARKS_MOST];
static unsigned mark_count;

static bool read_boot(char *boot, int size)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    bool got = file != NULL && fgets(boot, size, file) != NULL;

    if (file != NULL)
        fclose(file);
    if (got)
        boot[strcspn(boot, "\n")] = '\0';
    return got;
}

/* The marker of program `id` of this boot. */
static bool make_path(char *path, size_t size, uint32_t id)
{
    char boot[64];

    if (!read_boot(boot, sizeof(boot)))
        return false;
    snprintf(path, size, FOLDER "/" PREFIX "%u-%s", id, boot);
    return true;
}

/* Takes the marker's lock without waiting; false when others have it. */
static bool lock(int fd, short type)
{
    struct flock all = { .l_type = type, .l_whence = SEEK_SET };

    return fcntl(fd, F_SETLK, &all) == 0;
}

/* Whether a marker at `path` exists that no living process holds. */
static bool deserted(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool result = fd >= 0 && lock(fd, F_WRLCK);

    if (fd >= 0)
        close(fd);
    return result;
}

static void detach(unsigned interface)
{
    struct xdp_multiprog *programs = xdp_multiprog__get_from_ifindex((int)interface);

    if (libxdp_get_error(programs) != 0)
        return;
    xdp_multiprog__detach(programs);
    xdp_multiprog__close(programs);
}

/* Removes markers whose program is gone, with its interface for example. */
static void sweep(void)
{
    DIR *all = opendir(FOLDER);
    struct dirent *entry;
    uint32_t id;

    while (all != NULL && (entry = readdir(all)) != NULL) {
        char path[PATH_MAX], current[128];

        if (sscanf(entry->d_name, PREFIX "%u-", &id) != 1 || !make_path(current, sizeof(current), id))
            continue;
        snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
        int program = strcmp(path, current) == 0 ? bpf_prog_get_fd_by_id(id) : -1;

        if (program >= 0)
            close(program);
        else if (deserted(path))
            unlink(path);
    }
    if (all != NULL)
        closedir(all);
}

/* The interface that an argument gives to net_af_xdp; 0: none. */
static unsigned interface_of(const char *argument)
{
    const char *name = strstr(argument, "iface=");
    char text[IF_NAMESIZE];

    if (strstr(argument, "net_af_xdp") == NULL || name == NULL)
        return 0;
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(name + 6, ","), name + 6);
    return if_nametoindex(text);
}

static void clean(struct mark *mark)
{
    char path[128];
    uint32_t id;

    if (bpf_xdp_query_id((int)mark->interface, 0, &id) != 0 || id == 0)
        return;
    if (!make_path(path, sizeof(path), id) || access(path, F_OK) != 0) {
        mark->foreign = id;
    } else if (deserted(path)) {
        detach(mark->interface);
        unlink(path);
    }
}

void gz_dpdk_xdp_clean(char *const *arguments)
{
    for (mark_count = 0; *arguments != NULL && mark_count < MARKS_MOST; arguments++) {
        unsigned interface = interface_of(*arguments);

        if (interface != 0)
            marks[mark_count++] = (struct mark){ .interface = interface, .fd = -1 };
    }
    if (mark_count > 0)
        sweep();
    for (unsigned i = 0; i < mark_count; i++)
        clean(&marks[i]);
}

static void make(struct mark *mark)
{
    uint32_t id;

    if (bpf_xdp_query_id((int)mark->interface, 0, &id) != 0 || id == 0 || id == mark->foreign ||
        !make_path(mark->path, sizeof(mark->path), id))
        return;
    if (mkdir(FOLDER, S_IRWXU) != 0 && access(FOLDER, W_OK) != 0)
        return;
    mark->fd = open(mark->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (mark->fd >= 0 && lock(mark->fd, F_RDLCK))
        mark->maker = getpid();
}

void gz_dpdk_xdp_mark(unsigned interface)
{
    for (unsigned i = 0; i < mark_count; i++) {
        if (marks[i].interface == interface && marks[i].fd < 0)
            make(&marks[i]);
    }
}

bool gz_dpdk_xdp_foreign(void)
{
    uint32_t id;
    bool any = false;

    for (unsigned i = 0; i < mark_count; i++)
        any |= bpf_xdp_query_id((int)marks[i].interface, 0, &id) == 0 && id != 0;
    return any;
}

void gz_dpdk_xdp_leave(void)
{
    for (unsigned i = 0; i < mark_count; i++) {
        struct mark *mark = &marks[i];

        if (mark->maker != getpid() || mark->fd < 0)
            continue;
        mark->maker = 0;
        /* Somebody else may use the program for another queue: the last one takes it away. */
        if (!lock(mark->fd, F_WRLCK))
            continue;
        detach(mark->interface);
        unlink(mark->path);
        rmdir(FOLDER);
    }
}

/* At the process' normal end. */
__attribute__((destructor)) static void leave(void)
{
    gz_dpdk_xdp_leave();
}
