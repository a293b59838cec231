/*
 * The start: the engine's when the process is selected, the stack's when the process first needs the wire
 * (DESIGN D7).
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "calls.h"
#include "control.h"
#include "kernel.h"
#include "stack.h"
#include "wait.h"

static const struct gz_engine engine_calls = {
    .socket = gz_socket,
    .bind = gz_bind,
    .listen = gz_listen,
    .accept = gz_accept,
    .connect = gz_connect,
    .shutdown = gz_shutdown,
    .name = gz_name,
    .option_get = gz_option_get,
    .option_set = gz_option_set,
    .send = gz_send,
    .receive = gz_receive,
    .close = gz_close,
    .duplicate = gz_duplicate,
    .control = gz_control,
    .ioctl = gz_ioctl,
    .forget = gz_forget,
    .epoll_create = gz_epoll_create,
    .epoll_ctl = gz_epoll_ctl,
    .epoll_wait = gz_epoll_wait,
    .poll = gz_poll,
    .action = gz_signal_action,
    .create = gz_create,
    .cancel = gz_cancel,
    .fork_prepare = gz_fork_prepare,
    .fork_parent = gz_fork_parent,
    .fork_child = gz_fork_child,
};

static struct gz_engine engine;

static void give_up(const char *message)
{
    dprintf(STDERR_FILENO, "gazelle: %s\n", message);
    _exit(1);
}

__attribute__((visibility("default"))) const struct gz_engine *gz_engine_open(void)
{
    int status = 1;

    if (gz_config_load(NULL, &gz_process.config, &status) != 0)
        _exit(status);
    gz_threads_start();
    if (gz_files_start() != 0 || gz_region_reserve() != 0)
        give_up("cannot reserve address space for the stack; check `ulimit -v`");
    if (gz_signals_start() != 0)
        give_up("cannot watch over signals");
    gz_affinity_start();
    engine = engine_calls;
    engine.kinds = gz_files_kinds();
    engine.limit = gz_files_limit();
    return &engine;
}

bool gz_process_alive(pid_t process)
{
    return kill(process, 0) == 0 || errno == EPERM;
}

/*
 * DPDK is a shared object of its own, beside the engine, so that the packet port starts without it. Bound
 * deeply: what it calls of libc must never come back to us.
 */
static const struct gz_port_kind *load_dpdk(struct gz_port *port)
{
    char path[PATH_MAX];
    Dl_info self;

    if (dladdr(&engine_calls, &self) == 0)
        return NULL;
    snprintf(path, sizeof(path), "%.*s" GZ_DPDK_OBJECT,
        (int)(strrchr(self.dli_fname, '/') + 1 - self.dli_fname), self.dli_fname);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    const struct gz_port_kind *kind = object == NULL ? NULL : dlsym(object, GZ_DPDK_SYMBOL);

    if (kind == NULL)
        snprintf(port->message, sizeof(port->message), "port dpdk: %.300s", dlerror());
    return kind;
}

/* The linear memory of all stacks. */
static uint8_t *const *memories(void)
{
    static uint8_t *list[GZ_STACKS_MAX];

    for (uint32_t i = 0; i < gz_process.stacks; i++)
        list[i] = gz_stacks[i].env.memory.data;
    return list;
}

/* By what a device chooses the queue: a program, or a hash with a key that the first stack has drawn. */
static void request_steering(struct gz_port_request *request)
{
    static uint8_t key[GZ_CALL_OPTION_SIZE];
    static uint32_t key_length;
    w2c_stack *module = &gz_current->module;

    if (key_length == 0) {
        key_length = w2c_stack_hashKeyDraw(module);
        memcpy(key, gz_at(GZ_CALL_OPTION), sizeof(key));
    }
    request->hash_key = key;
    request->hash_key_length = key_length;
    request->steering_length = w2c_stack_steeringProgram(module);
    request->steering = gz_at(GZ_CALL_OPTION);
}

/* What the configuration asks of the port. */
static int request_port(struct gz_port_request *request)
{
    const struct gz_config *config = &gz_process.config;
    struct gz_port *port = &gz_current->wire;

    *request = (struct gz_port_request){
        .name = config->device_name,
        .mtu = (uint32_t)config->mtu,
        .slots = (uint32_t)config->nic_rxqueue_size,
        .memory = gz_current->env.memory.data,
        .window = gz_current->region_size,
        .queue = gz_current->index,
        .queues = gz_process.stacks,
        .memories = memories(),
    };
    memcpy(request->mac, config->device_mac, sizeof(request->mac));
    memcpy(request->address, config->host_addr + 12, sizeof(request->address));
    request->arguments = config->eal_args;
    if (port->kind == NULL && config->port_kind == GZ_PORT_KIND_DPDK)
        port->kind = load_dpdk(port);
    else if (port->kind == NULL)
        port->kind = config->port_kind == GZ_PORT_KIND_LTRAN ? &gz_ring_port : &gz_packet_port;
    return port->kind == NULL ? -1 : 0;
}

static int describe_port(const struct gz_port_request *request)
{
    struct gz_port *port = &gz_current->wire;
    int known = port->fd;
    int result = port->kind->describe(port, request);

    if (port->fd != known)
        port->fd = gz_internal(port->fd);
    return result;
}

static int open_port(void)
{
    struct gz_port *port = &gz_current->wire;
    struct gz_port_request request;

    if (port->opened)
        return 0;
    if (request_port(&request) != 0)
        return -1;
    if (request.queues > 1)
        request_steering(&request);
    bool described = port->kind->describe != NULL;

    if ((described && describe_port(&request) != 0) || port->kind->open(port, &request) != 0) {
        if (port->fd >= 0)
            gz_file_detach(port->fd);
        port->kind->close(port);
        return -1;
    }
    port->opened = true;
    if (port->hash_entries != 0) {
        memcpy(gz_at(GZ_CALL_OPTION), request.hash_key, GZ_CALL_OPTION_SIZE);
        w2c_stack_hashKeyTake(&gz_current->module, port->hash_entries);
    }
    if (!described)
        port->fd = gz_internal(port->fd);
    gz_current->env.memory.size = gz_current->region_size + port->window_size;
    return 0;
}

static void put_address(const uint8_t bytes[16])
{
    struct gz_address address = { .version = 4 };

    memcpy(address.bytes, bytes, 16);
    gz_endpoint_put(&address);
}

/* The stack's own view: port, address, gateway. */
static int introduce_to_stack(void)
{
    static const uint8_t none[4];
    const struct gz_config *config = &gz_process.config;
    struct gz_port *port = &gz_current->wire;
    w2c_stack *module = &gz_current->module;
    int32_t id =
        (int32_t)w2c_stack_portOpen(module, port->flags, port->mtu, port->mac, port->segmentation_max);

    if (id < 0)
        return -1;
    port->id = (uint32_t)id;
    gz_put32(GZ_PORTS + port->id * GZ_PORT_STRIDE + GZ_PORT_INTERFACE, if_nametoindex(port->device));
    w2c_stack_rateLimitSet(module, (uint32_t)config->rate_limit_pps, (uint32_t)config->rate_limit_mbps,
        gz_now());
    if ((int32_t)w2c_stack_congestionControlSet(module, (uint32_t)config->congestion_control) < 0)
        return -1;
    put_address(config->host_addr);
    if ((int32_t)w2c_stack_addressAdd(module, port->id, (uint32_t)config->prefix_length, gz_now()) < 0)
        return -1;
    if (memcmp(config->gateway_addr + 12, none, sizeof(none)) == 0)
        return 0;
    put_address(config->gateway_addr);
    return (int32_t)w2c_stack_gatewaySet(module) < 0 ? -1 : 0;
}

int gz_introduce(void)
{
    struct gz_port *port = &gz_current->wire;
    struct gz_port_request request;

    if (request_port(&request) != 0)
        return -1;
    if (port->kind->describe == NULL ? open_port() != 0 : describe_port(&request) != 0)
        return -1;
    if (introduce_to_stack() != 0) {
        snprintf(
            port->message, sizeof(port->message), "the stack refuses host_addr, mask_addr or gateway_addr");
        return -1;
    }
    gz_current->shared->port_id = port->id;
    return 0;
}

/* Whether a socket is bound to an address that only the stack has. */
static bool has_stack_sockets(void)
{
    for (uint32_t fd = 0; fd < gz_files_limit(); fd++) {
        const struct gz_file *file = gz_file_at((int)fd, GZ_KIND_SOCKET);

        if (file != NULL && file->side == GZ_STACK)
            return true;
    }
    return false;
}

long gz_start_failed(void)
{
    const char *message = gz_current->wire.message;

    if (gz_process.config.on_failure != GZ_ON_FAILURE_KERNEL)
        give_up(message);
    if (has_stack_sockets()) {
        dprintf(STDERR_FILENO,
            "gazelle: sockets are bound to host_addr already, which the kernel cannot serve\n");
        give_up(message);
    }
    dprintf(STDERR_FILENO, "gazelle: %s; the kernel's stack is used instead\n", message);
    gz_process.failed = true;
    gz_count_fallback(GZ_FALLBACK_STACK_FAILED);
    return -ENETDOWN;
}

/* The stacks, and with them the device, are another process'. */
static int say_taken(pid_t owner)
{
    static bool said;

    if (!said)
        dprintf(STDERR_FILENO,
            "gazelle: process %d serves the sockets of the stack, process %d does not: one process can have "
            "the device; use one worker process, or ltran (use_ltran = 1)\n",
            (int)owner, (int)getpid());
    said = true;
    return -ECONNABORTED;
}

/* This process has the port from now on. All stacks do that first: the kernel gets the address afterwards. */
static int claim_port(struct gz_thread *thread)
{
    struct gz_shared *shared = gz_current->shared;
    pid_t owner = atomic_load(&shared->owner);

    (void)thread;
    if (gz_current->running)
        return 0;
    if (gz_process.failed || gz_process.detached)
        return gz_process.failed ? -ENETDOWN : -ECONNABORTED;
    if (owner != 0 && owner != getpid() && gz_process_alive(owner))
        return say_taken(owner);
    if (!shared->created && gz_region_create() != 0)
        return -ENETDOWN;
    if (open_port() != 0)
        return (int)gz_start_failed();
    atomic_store(&shared->owner, getpid());
    return 0;
}

static int begin_to_run(struct gz_thread *thread)
{
    (void)thread;
    if (gz_current->running)
        return 0;
    gz_current->wire.id = gz_current->shared->port_id;
    gz_port_add(&gz_current->wire);
    if ((gz_process.stacks > 1 && gz_inbox_open() != 0) ||
        gz_kernel_start(gz_current->wire.message, sizeof(gz_current->wire.message)) != 0)
        return (int)gz_start_failed();
    gz_current->running = true;
    if (gz_process.config.stack_thread_mode == GZ_STACK_THREAD_MODE_RUN_TO_WAKEUP)
        gz_keeper_start();
    if (gz_current->index != 0)
        return 0;
    gz_link_start();
    gz_signals_watch_end();
    gz_control_start();
    return 0;
}

int gz_claim(void)
{
    int result = 0;

    if (!atomic_load_explicit(&gz_process.claimed, memory_order_relaxed)) {
        if (gz_process.forker != 0)
            gz_part(true);
        result = gz_in_every_stack(gz_thread(), claim_port);
        if (result == 0)
            result = gz_in_every_stack(gz_thread(), begin_to_run);
        if (result == 0) {
            gz_process.forker = 0;
            atomic_store(&gz_process.claimed, true);
        }
    }
    if (gz_process.moves_threads)
        gz_affinity_move(gz_thread());
    return result;
}
