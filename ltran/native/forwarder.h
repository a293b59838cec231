/* The forwarder: the dispatch module with its memory, its NICs, and the thread that moves frames. */
#ifndef GZ_FORWARDER_H
#define GZ_FORWARDER_H

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dispatch/dispatch.h"
#include "dispatch_layout.h"
#include "port/port.h"
#include "stack_layout.h"

/* The module's call area and the rings of its NICs lie where those of a stack lie. */
#define GZ_NICS GZ_PORTS_MAX
#define GZ_VPORTS GZ_DISPATCH_VPORTS_MAX

/* The imports of the module: its memory. */
struct w2c_env {
    wasm_rt_memory_t memory;
};

struct gz_nic {
    struct gz_port port;
    /* The device's own hardware address; that of the port is the bond's. */
    uint64_t own_mac;
    bool is_up;
};

struct gz_forwarder {
    struct w2c_env env;
    w2c_dispatch module;
    uint32_t memory_size;
    struct gz_nic nics[GZ_NICS];
    _Atomic uint32_t nic_count;
    /* Which of them is the kernel device; -1: there is none. */
    int kernel;
    /* Where each virtual port's client is woken, and by what it wakes the thread; -1: not at all. */
    int to_client[GZ_VPORTS], to_ltran[GZ_VPORTS];
    /* The client is woken by an eventfd in place of a socket. */
    bool by_event[GZ_VPORTS];
    /* What the thread sleeps on, and the descriptor that others wake it by. */
    int sleep;
    int call;
    /* Microseconds that the thread spent in turns that moved frames. */
    _Atomic uint64_t busy;
    /* Not 0: the module trapped, with this code, and nothing is forwarded any more. */
    _Atomic int trapped;
};

extern struct gz_forwarder gz_forwarder;

/* Microseconds of a clock that never goes back. */
uint64_t gz_now(void);

/*
 * Whoever calls the module does so between these; whoever came first enters first, so that the forwarding
 * thread cannot keep others out. GZ_ENTER leaves the calling function with `result` if the module trapped or
 * traps.
 */
void gz_enter(void);
void gz_leave(void);
extern _Thread_local sigjmp_buf gz_escape;
#define GZ_ENTER(result)                                                               \
    do {                                                                               \
        gz_enter();                                                                    \
        if (atomic_load(&gz_forwarder.trapped) != 0 || sigsetjmp(gz_escape, 0) != 0) { \
            gz_leave();                                                                \
            return result;                                                             \
        }                                                                              \
    } while (0)

/* The following answer 0 or -errno. */

/* Maps `size` bytes of memory for the module in a window of its own, and makes the module. */
int gz_create(uint32_t size);
/*
 * Starts the forwarding thread, on one CPU unless `cpu` is negative; `low_power`: it sleeps as soon as it
 * can. It calls `noted` when the module has noted pairs of clients, `trapped` if it traps, and then ends. And
 * ends it.
 */
int gz_start(int cpu, bool low_power, void (*trapped)(int code), void (*noted)(void));
void gz_stop(void);
/* Wakes the thread if it sleeps. */
void gz_call(void);
/* Wakes whoever waits for an eventfd; never waits itself, whatever others did to it. */
void gz_kick_eventfd(int fd);
/* The thread looks when `fd` becomes readable. */
int gz_listen_to(int fd);

/*
 * Opens NIC number nic_count, for frames to `mac` (low 48 bits, first byte lowest), its own or not. -EIO: see
 * port->message.
 */
int gz_nic_open(const struct gz_port_kind *kind, const struct gz_port_request *request, uint64_t mac);
/*
 * Loads the object that holds DPDK, for an environment with these arguments, each of which ends with a zero
 * byte; the text of what went wrong, or an empty one. Then gz_nic_open() for a device of it.
 */
const char *gz_dpdk_load(const char *path, const uint8_t *words, size_t size);
int gz_nic_open_dpdk(struct gz_port_request *request, uint64_t mac);
void gz_nics_close(void);
/* The MTU of an interface, changed first unless `mtu` is 0; or -errno. */
int gz_device_mtu(const char *device, int mtu);
/* Takes frames from a NIC, hands frames to it: whether there were any. Within GZ_ENTER. */
bool gz_nic_receive(uint32_t nic, uint64_t now);
bool gz_nic_transmit(uint32_t nic);
/* Looks at every NIC's link and tells the module of changes; bit n of the result: that of NIC n changed. */
uint32_t gz_nics_look(void);

/*
 * The kernel device is opened behind every NIC; 0, -errno, or -EIO: see the message of the last NIC's port.
 */
int gz_kernel_open(const struct gz_port_request *request);
/* Takes frames from it: whether there were any. Whether it has more of them. Within GZ_ENTER. */
bool gz_kernel_receive(uint64_t now);
bool gz_kernel_pending(void);
/* Sends what waits for it and refers to memory that is going to be given back. Within GZ_ENTER. */
void gz_kernel_flush(void);

/*
 * Maps the memory file of a client at an address of the window: at least `size` bytes that the client cannot
 * take away again, or -EPERM. It is unmapped when its vport is closed, so that nobody looks at it any more:
 * without the lock, as to give back tens of thousands of pages takes milliseconds.
 */
int gz_map(int fd, uint64_t size, uint32_t address);
int gz_unmap(uint64_t size, uint32_t address);

#endif
