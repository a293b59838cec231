/*
 * Registration with ltran, at the start and again whenever ltran was gone: a thread of its own waits for the
 * end of the connection. Meanwhile the link of the port is down and the application goes on.
 */
#include "register.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "control_path.h"
#include "files.h"
#include "peers.h"
#include "stack.h"

#define SOCKET_NAME "ltran_client.sock"
/* How long ltran may take for its answer, in seconds. */
#define PATIENCE 5
/*
 * Between two attempts to register again, in milliseconds: peers send again later and later, so that a short
 * wait is worth many attempts of some microseconds each.
 */
#define FIRST_WAIT 25
#define LONGEST_WAIT 200
#define STACK_SIZE (128 * 1024)
#define PAGE 4096u

/* Of each stack. */
static struct registration {
    /* The connection; its end is ltran's. */
    int socket;
    /*
     * Where ltran's kicks arrive and the other end, which is ltran's; by what we kick ltran. Kicks from ltran
     * go by a socket: whoever has an eventfd can make another's write to it wait, and ltran waits for nobody.
     */
    int kicked, to_client, to_ltran;
    /* Addresses in linear memory: of the memory shared with ltran, and of where frames are copied to. */
    uint32_t region, landing;
    char program[16];
} registrations[GZ_STACKS_MAX] = {
    [0 ... GZ_STACKS_MAX - 1] = { .socket = -1, .kicked = -1, .to_client = -1, .to_ltran = -1 }
};
/* Tells ltran which stacks are one process'. */
static uint64_t process_key;

static struct registration *own(void)
{
    return &registrations[gz_current->index];
}

static int fail(const char *what, const char *remedy)
{
    struct gz_port *port = &gz_current->wire;

    snprintf(port->message, sizeof(port->message), "%s: %s; %s", what, strerror(errno), remedy);
    return -1;
}

static void close_internal(int *fd)
{
    if (*fd >= 0) {
        gz_file_detach(*fd);
        close(*fd);
    }
    *fd = -1;
}

static int connect_in(const char *folder, struct sockaddr_un *address)
{
    int size = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s" SOCKET_NAME, folder,
        gz_process.config.unix_prefix);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    address->sun_family = AF_UNIX;
    if (size < 0 || (size_t)size >= sizeof(address->sun_path))
        errno = ENAMETOOLONG;
    else if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return fd;
    int reason = errno;

    if (fd >= 0)
        close(fd);
    errno = reason;
    return -1;
}

/* A connection to ltran: root's, or one of the same user. -1 with a message. */
static int reach(void)
{
    struct sockaddr_un address;
    char folder[PATH_MAX], what[sizeof(address.sun_path) + 32];
    int reason = ENOENT;

    what[0] = '\0';
    for (int place = 0; place < GZ_CONTROL_PLACES; place++) {
        if (!gz_control_folder(place, folder) || (place > 0 && geteuid() == 0))
            continue;
        int fd = connect_in(folder, &address);

        if (fd >= 0)
            return fd;
        if (what[0] == '\0' || errno != ENOENT) {
            snprintf(what, sizeof(what), "no ltran at %s", address.sun_path);
            reason = errno;
        }
    }
    errno = reason;
    return fail(what, "start ltran with the same unix_prefix, or set use_ltran = 0 in lstack.conf");
}

int gz_ltran_probe(struct gz_port *port)
{
    int fd = reach();

    (void)port;
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

/* Maps memory for the rings in place of what was there; the memory's descriptor or -1. */
static int map_region(uint32_t size)
{
    int fd = memfd_create("gazelle-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return -1;
    if (ftruncate(fd, size) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0 ||
        mmap(gz_at(own()->region), size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
            0) == MAP_FAILED) {
        close(fd);
        return -1;
    }
    madvise(gz_at(own()->region), size, MADV_DONTFORK);
    return fd;
}

/* Makes the memory and the request for registration, lock held; the memory's descriptor or -1. */
static int offer(char *request, uint32_t *length)
{
    const struct gz_config *config = &gz_process.config;
    struct gz_address address = { .version = 4 };
    uint64_t mac = 0;
    int fd = map_region(w2c_stack_ringRegionSize(&gz_current->module));

    if (fd < 0)
        return fail("cannot make the memory for the rings to ltran", "make memory smaller");
    memcpy(address.bytes, config->host_addr, sizeof(address.bytes));
    memcpy(&mac, config->device_mac, 6);
    gz_endpoint_put(&address);
    *length = w2c_stack_ringRegister(&gz_current->module, gz_current->wire.id, own()->region, own()->landing,
        (uint32_t)config->prefix_length, (uint32_t)getpid(), gz_current->index, gz_process.stacks, mac,
        process_key, config->nic_vlan_mode > 0 ? (uint32_t)config->nic_vlan_mode : 0);
    if (*length > GZ_REGISTRATION_MAX)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    memcpy(gz_at(GZ_CALL_OPTION + GZ_REGISTER_NAME), own()->program, sizeof(own()->program));
    memcpy(request, gz_at(GZ_CALL_OPTION), *length);
    return fd;
}

/* Sends the request with its descriptors and waits for the answer; its length, 0 for none. */
static uint32_t exchange(int fd, int memory, char *message, uint32_t length)
{
    int descriptors[] = { memory, own()->to_client, own()->to_ltran };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(descriptors))];
    } control = { .header = { .cmsg_len = CMSG_LEN(sizeof(descriptors)),
                      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
    struct iovec body = { .iov_base = message, .iov_len = length };
    struct msghdr request = { .msg_iov = &body, .msg_iovlen = 1, .msg_control = &control,
        .msg_controllen = sizeof(control.space) };
    struct timeval patience = { .tv_sec = PATIENCE };
    ssize_t got = -1;

    memcpy(CMSG_DATA(&control.header), descriptors, sizeof(descriptors));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    /* Who is refused for who he is may be hung up on before he has said anything: his answer waits. */
    if (sendmsg(fd, &request, MSG_NOSIGNAL) >= 0 || errno == EPIPE) {
        do
            got = recv(fd, message, GZ_REGISTRATION_MAX, 0);
        while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    }
    return got < 0 ? 0 : (uint32_t)got;
}

/* The stack takes the answer, lock held: 0, or -1 with a message. */
static int conclude(int fd, const char *answer, uint32_t length)
{
    const struct gz_config *config = &gz_process.config;
    struct gz_port *port = &gz_current->wire;
    uint32_t base = GZ_PORTS + port->id * GZ_PORT_STRIDE;
    uint64_t mac = 0;

    memcpy(gz_at(GZ_CALL_OPTION), answer, length);
    memcpy(&mac, config->device_mac, 6);
    int32_t result = (int32_t)w2c_stack_ringWelcome(&gz_current->module, port->id, length, mac,
        (uint32_t)config->mtu, gz_now());

    if (result == 0) {
        own()->socket = gz_internal(fd);
        port->mac = gz_get64(base + GZ_PORT_MAC);
        port->mtu = gz_get32(base + GZ_PORT_MTU);
        return 0;
    }
    close(fd);
    if (result == -ECONNREFUSED)
        snprintf(port->message, sizeof(port->message), "ltran refuses: %.199s",
            (const char *)gz_at(GZ_CALL_OPTION + GZ_REFUSAL_TEXT_AT));
    else if (result == -EADDRNOTAVAIL)
        snprintf(port->message, sizeof(port->message),
            "devices names another device than ltran has; take it out of lstack.conf");
    else
        snprintf(port->message, sizeof(port->message),
            "ltran gave no answer that this version knows; use ltran and liblstack.so of one version");
    return -1;
}

static int open_descriptors(void)
{
    prctl(PR_GET_NAME, own()->program);
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return fail("cannot make a pair of sockets", "raise `ulimit -n`");
    own()->kicked = gz_internal(ends[0]);
    own()->to_client = gz_internal(ends[1]);
    own()->to_ltran = gz_internal(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (own()->to_ltran < 0)
        return fail("cannot make an eventfd", "raise `ulimit -n`");
    if (process_key == 0 && getrandom(&process_key, sizeof(process_key), 0) < 0)
        return fail("no random number", "try again");
    return 0;
}

/* What lies in the window behind the stack's memory: the rings, then the place that frames are copied to. */
static int place_window(struct gz_port *port, const struct gz_port_request *request)
{
    uint32_t size = (w2c_stack_ringRegionSize(&gz_current->module) + PAGE - 1) & ~(PAGE - 1);

    port->window_size = size + GZ_RING_LANDING_SIZE;
    if ((uint64_t)request->window + port->window_size > UINT32_MAX)
        return errno = ENOMEM, fail("no room for the rings to ltran below 4096 MiB", "make memory smaller");
    own()->region = request->window;
    own()->landing = request->window + size;
    gz_current->env.memory.size = gz_peers_place(own()->landing + GZ_RING_LANDING_SIZE, own()->landing);
    port->window_size = (uint32_t)gz_current->env.memory.size - request->window;
    if (mprotect(gz_at(own()->landing), GZ_RING_LANDING_SIZE, PROT_READ | PROT_WRITE) != 0)
        return fail("no memory for frames from ltran", "check `ulimit -v`");
    return 0;
}

static void *stay(void *unused);

int gz_ltran_open(struct gz_port *port, const struct gz_port_request *request)
{
    char message[GZ_REGISTRATION_MAX];
    uint32_t length;

    if (open_descriptors() != 0 || place_window(port, request) != 0)
        return -1;
    int fd = reach();

    if (fd < 0)
        return -1;
    int memory = offer(message, &length);

    if (memory < 0) {
        close(fd);
        return -1;
    }
    length = exchange(fd, memory, message, length);
    close(memory);
    if (conclude(fd, message, length) != 0)
        return -1;
    port->fd = own()->kicked;
    return gz_thread_start(stay, STACK_SIZE);
}

void gz_ltran_close(struct gz_port *port)
{
    close_internal(&own()->socket);
    close_internal(&own()->to_ltran);
    close_internal(&own()->to_client);
    close_internal(&own()->kicked);
    port->fd = -1;
}

void gz_ltran_kick(void)
{
    uint64_t one = 1;

    if (write(own()->to_ltran, &one, sizeof(one)) < 0)
        return; /* The counter is full: it is readable anyway. */
}

void gz_ltran_end(void)
{
    shutdown(own()->socket, SHUT_RDWR);
}

/* ltran is gone: the link is down. */
static long lose(void)
{
    GZ_ENTER(thread, -1);
    w2c_stack_ringDetach(&gz_current->module, gz_current->wire.id, gz_now());
    close_internal(&own()->socket);
    GZ_LEAVE(thread);
    return 0;
}

static long offer_again(char *request, uint32_t *length)
{
    GZ_ENTER(thread, -1);
    long memory = offer(request, length);

    GZ_LEAVE(thread);
    return memory;
}

static long conclude_again(int fd, const char *answer, uint32_t length)
{
    GZ_ENTER(thread, -1);
    long result = conclude(fd, answer, length);

    if (result == 0)
        gz_run();
    GZ_LEAVE(thread);
    if (result == 0)
        gz_peers_tell(own()->socket);
    return result;
}

static bool come_back(void)
{
    char message[GZ_REGISTRATION_MAX];
    uint32_t length;
    int fd = reach();

    if (fd < 0)
        return false;
    int memory = (int)offer_again(message, &length);

    if (memory < 0) {
        close(fd);
        return false;
    }
    length = exchange(fd, memory, message, length);
    close(memory);
    return conclude_again(fd, message, length) == 0;
}

/* Hears ltran, and looks after rings to peers, once or for `wait` ms; false when ltran has ended. */
static bool attend(int wait)
{
    struct pollfd list[1 + GZ_PEERS_MAX] = { { .fd = own()->socket, .events = POLLIN } };
    uint32_t count = gz_peers_watch(list + 1);

    if (poll(list, 1 + count, wait) <= 0)
        return true;
    gz_peers_look(list + 1, count, own()->socket);
    return list[0].revents == 0 || gz_peers_receive(own()->socket);
}

static void *stay(void *unused)
{
    pthread_setname_np(pthread_self(), "gz-ltran");
    for (;;) {
        while (attend(-1))
            continue;
        if (lose() < 0)
            return unused;
        gz_say(GZ_INFO, "ltran has ended; registering again as soon as there is one");
        uint32_t wait = FIRST_WAIT;

        while (!come_back()) {
            if (atomic_load(&gz_current->shared->poisoned))
                return unused;
            attend((int)wait);
            wait = wait < LONGEST_WAIT / 2 ? 2 * wait : LONGEST_WAIT;
        }
        gz_say(GZ_INFO, "registered with ltran again");
    }
}
