/*
 * What Node calls (ltran/daemon/native.ts declares it). Numbers below zero are -errno. Nothing here decides:
 * arguments are taken out of JavaScript's values, results put into them.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <node_api.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dispatch_doors.h"
#include "events.h"
#include "forwarder.h"
#include "port/netlink.h"
#include "sockets.h"

#define ARGUMENTS_MOST 8
#define TEXT_MOST 256
#define MESSAGE_MOST 1024

struct call {
    napi_env env;
    size_t count;
    napi_value values[ARGUMENTS_MOST];
};

static struct call take(napi_env env, napi_callback_info info)
{
    struct call call = { .env = env, .count = ARGUMENTS_MOST };

    napi_get_cb_info(env, info, &call.count, call.values, NULL, NULL);
    return call;
}

/* Numbers that are not there, or no numbers, are 0. */
static int64_t number(const struct call *call, uint32_t index)
{
    int64_t value = 0;

    napi_get_value_int64(call->env, call->values[index], &value);
    return value;
}

static void text(const struct call *call, uint32_t index, char to[TEXT_MOST])
{
    size_t length = 0;

    to[0] = '\0';
    napi_get_value_string_utf8(call->env, call->values[index], to, TEXT_MOST, &length);
}

/* The memory of a typed array; 0 bytes when it is none. */
static uint8_t *bytes(const struct call *call, uint32_t index, size_t *size)
{
    napi_typedarray_type type;
    void *data = NULL;
    bool is_array = false;

    *size = 0;
    napi_is_typedarray(call->env, call->values[index], &is_array);
    if (is_array)
        napi_get_typedarray_info(call->env, call->values[index], &type, size, &data, NULL, NULL);
    if (is_array && type == napi_biguint64_array)
        *size *= sizeof(uint64_t);
    return data;
}

static napi_value give(napi_env env, int64_t value)
{
    napi_value result;

    napi_create_int64(env, value, &result);
    return result;
}

static void put(napi_env env, napi_value object, const char *name, int64_t value)
{
    napi_set_named_property(env, object, name, give(env, value));
}

static napi_value create(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);

    return give(env, gz_create((uint32_t)number(&call, 0)));
}

static void tell_trap(int code)
{
    gz_events_tell(GZ_EVENT_TRAP, (uint32_t)code);
}

static void tell_noted(void)
{
    gz_events_tell(GZ_EVENT_NOTED, 0);
}

static napi_value start(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);

    return give(env, gz_start((int)number(&call, 0), number(&call, 1) != 0, tell_trap, tell_noted));
}

static napi_value stop(napi_env env, napi_callback_info info)
{
    (void)info;
    gz_stop();
    /* Its thread looks at the NICs. */
    gz_events_stop();
    gz_nics_close();
    return give(env, 0);
}

/* A door of the module, with bytes at an address of its memory before and after the call. */
static int call_door(const struct gz_door *door, const uint64_t *arguments, uint64_t *result, uint32_t at,
    uint8_t *area, size_t size)
{
    uint8_t *memory = gz_forwarder.env.memory.data + at;

    if ((uint64_t)at + size > gz_forwarder.memory_size)
        return -EFAULT;
    GZ_ENTER(-EIO);
    if (size > 0)
        memcpy(memory, area, size);
    *result = door->call(&gz_forwarder.module, arguments);
    if (size > 0)
        memcpy(area, memory, size);
    gz_leave();
    return 0;
}

/* door(name, arguments, result, at, area): -errno when there was no call. */
static napi_value door(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    char name[TEXT_MOST];
    size_t count, room, size;
    uint64_t *arguments = (uint64_t *)bytes(&call, 1, &count), *result = (uint64_t *)bytes(&call, 2, &room);
    uint8_t *area = bytes(&call, 4, &size);

    text(&call, 0, name);
    for (size_t i = 0; i < sizeof(gz_doors) / sizeof(gz_doors[0]); i++) {
        const struct gz_door *found = &gz_doors[i];

        if (strcmp(found->name, name) != 0 || count != found->arguments * sizeof(*arguments) || room == 0)
            continue;
        int answer = call_door(found, arguments, result, (uint32_t)number(&call, 3), area, size);

        /* After a trap too: the forwarding thread has to learn of it. */
        gz_call();
        return give(env, answer);
    }
    return give(env, -ENOSYS);
}

/* read(at, area) */
static napi_value read_memory(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    size_t size;
    uint8_t *area = bytes(&call, 1, &size);
    uint32_t at = (uint32_t)number(&call, 0);

    if ((uint64_t)at + size > gz_forwarder.memory_size)
        return give(env, -EFAULT);
    gz_enter();
    memcpy(area, gz_forwarder.env.memory.data + at, size);
    gz_leave();
    return give(env, 0);
}

static napi_value say(napi_env env, const char *message)
{
    napi_value result;

    napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &result);
    return result;
}

/* dpdkLoad(path, words): a message, empty when devices of DPDK can be opened. */
static napi_value dpdk_load(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    char path[TEXT_MOST];
    size_t size;
    uint8_t *words = bytes(&call, 1, &size);

    text(&call, 0, path);
    return say(env, gz_dpdk_load(path, words, size));
}

/* What became of opening device number `nic`: nothing, or what it says itself. */
static napi_value say_opened(napi_env env, int result, uint32_t nic)
{
    const char *why = result == -EIO ? gz_forwarder.nics[nic].port.message : strerror(-result);

    return say(env, result == 0 ? "" : why);
}

/*
 * nicOpen(device, mac, mtu, slots, window, order, receiveBuffers, transmitBuffers): a message, empty when it
 * is open; an order other than 0 is that of a device of DPDK.
 */
static napi_value nic_open(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    char name[TEXT_MOST];
    uint32_t nic = atomic_load(&gz_forwarder.nic_count);
    struct gz_port_request request = {
        .name = name,
        .mtu = (uint32_t)number(&call, 2),
        .slots = (uint32_t)number(&call, 3),
        .memory = gz_forwarder.env.memory.data,
        .window = (uint32_t)number(&call, 4),
        .order = (uint32_t)number(&call, 5),
        .receive_buffers = (uint32_t)number(&call, 6),
        .transmit_buffers = (uint32_t)number(&call, 7),
    };
    uint64_t mac = (uint64_t)number(&call, 1);

    text(&call, 0, name);
    return say_opened(env, request.order != 0 ? gz_nic_open_dpdk(&request, mac)
                                              : gz_nic_open(&gz_packet_port, &request, mac), nic);
}

/* deviceMtu(device, mtu) */
static napi_value device_mtu(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    char name[TEXT_MOST];

    text(&call, 0, name);
    return give(env, gz_device_mtu(name, (int)number(&call, 1)));
}

/* kernelOpen(name, mac, mtu, flags, window): as nicOpen, for the kernel device. */
static napi_value kernel_open(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    char name[TEXT_MOST];
    uint32_t nic = atomic_load(&gz_forwarder.nic_count);
    struct gz_port_request request = {
        .name = name,
        .port_mac = (uint64_t)number(&call, 1),
        .mtu = (uint32_t)number(&call, 2),
        .flags = (uint32_t)number(&call, 3),
        .memory = gz_forwarder.env.memory.data,
        .window = (uint32_t)number(&call, 4),
    };

    text(&call, 0, name);
    return say_opened(env, gz_kernel_open(&request), nic);
}

/* netlinkOpen(protocol) and netlinkTell(fd, messages) */
static napi_value netlink_open(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);

    return give(env, gz_netlink_open((int)number(&call, 0)));
}

static napi_value netlink_tell(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    size_t size;
    const uint8_t *messages = bytes(&call, 1, &size);

    return give(env, gz_netlink_tell((int)number(&call, 0), messages, size));
}

/* nicFacts(nic) */
static napi_value nic_facts(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    const struct gz_nic *nic = &gz_forwarder.nics[number(&call, 0) & (GZ_NICS - 1)];
    napi_value facts;

    napi_create_object(env, &facts);
    napi_set_named_property(env, facts, "device", say(env, nic->port.device));
    napi_set_named_property(env, facts, "truncation", say(env, nic->port.truncation));
    put(env, facts, "mac", (int64_t)nic->port.mac);
    put(env, facts, "ownMac", (int64_t)nic->own_mac);
    put(env, facts, "interfaceIndex", if_nametoindex(nic->port.device));
    put(env, facts, "mtu", nic->port.mtu);
    put(env, facts, "flags", nic->port.flags);
    put(env, facts, "segmentationMax", nic->port.segmentation_max);
    put(env, facts, "windowSize", nic->port.window_size);
    put(env, facts, "skipped", (int64_t)nic->port.skipped);
    put(env, facts, "refused", (int64_t)nic->port.refused);
    put(env, facts, "isUp", nic->is_up);
    return facts;
}

/* busy(): microseconds. */
static napi_value busy(napi_env env, napi_callback_info info)
{
    (void)info;
    return give(env, (int64_t)atomic_load(&gz_forwarder.busy));
}

/* map(fd, size, address) and unmap(size, address) */
static napi_value map(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);

    return give(env, gz_map((int)number(&call, 0), (uint64_t)number(&call, 1), (uint32_t)number(&call, 2)));
}

static napi_value unmap(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);

    return give(env, gz_unmap((uint64_t)number(&call, 0), (uint32_t)number(&call, 1)));
}

/*
 * seal(fd, size): a memory file neither shrinks nor grows from now on, if its owner lets others say so, and
 * all of it is allocated.
 */
static napi_value seal(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    int fd = (int)number(&call, 0);
    int result = fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);

    if (result == 0)
        result = fallocate(fd, 0, 0, (off_t)number(&call, 1));
    return give(env, result == 0 ? 0 : -errno);
}

/*
 * wakesOpen(vport, toClient, toLtran, pid): the descriptors of a client, which are the forwarder's from now
 * on unless the answer is -errno. The first one must be a stream socket of the unix family, the second one an
 * eventfd. Who is at the other end of the socket must be the client itself: what is sent over it bears
 * ltran's credentials. With process 0 both are eventfds.
 */
static napi_value wakes_open(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    uint32_t vport = (uint32_t)number(&call, 0) % GZ_VPORTS;
    int to_client = (int)number(&call, 1), to_ltran = (int)number(&call, 2), domain = 0, type = 0;
    socklen_t size = sizeof(domain), peer_size = sizeof(struct ucred);
    struct ucred peer = { 0 };

    getsockopt(to_client, SOL_SOCKET, SO_DOMAIN, &domain, &size);
    getsockopt(to_client, SOL_SOCKET, SO_TYPE, &type, &size);
    getsockopt(to_client, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size);
    bool by_event = number(&call, 3) == 0;

    if (!by_event && (domain != AF_UNIX || type != SOCK_STREAM || peer.pid != number(&call, 3)))
        return give(env, -EPERM);
    int result = gz_listen_to(to_ltran);

    if (result != 0)
        return give(env, result);
    gz_enter();
    gz_forwarder.to_client[vport] = to_client;
    gz_forwarder.to_ltran[vport] = to_ltran;
    gz_forwarder.by_event[vport] = by_event;
    gz_leave();
    return give(env, 0);
}

/* wakesClose(vport) */
static napi_value wakes_close(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    uint32_t vport = (uint32_t)number(&call, 0) % GZ_VPORTS;

    gz_enter();
    int to_client = gz_forwarder.to_client[vport], to_ltran = gz_forwarder.to_ltran[vport];

    gz_forwarder.to_client[vport] = gz_forwarder.to_ltran[vport] = -1;
    gz_leave();
    /* The client has the eventfd too: closing our descriptor alone would leave it in the list. */
    epoll_ctl(gz_forwarder.sleep, EPOLL_CTL_DEL, to_ltran, NULL);
    close(to_client);
    close(to_ltran);
    return give(env, 0);
}

/* events(callback, interval) and watch(fd) */
static napi_value start_events(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);

    return give(env, gz_events_start(env, call.values[0], (int)number(&call, 1)));
}

static napi_value watch(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);

    return give(env, gz_events_watch((int)number(&call, 0)));
}

/* listen(path, backlog) */
static napi_value listen_at(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    char path[TEXT_MOST];

    text(&call, 0, path);
    return give(env, gz_socket_listen(path, (int)number(&call, 1)));
}

/* accept(listener): {fd, pid, uid, gid}; fd may be -errno. */
static napi_value accept_one(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    struct ucred peer = { 0 };
    int fd = gz_socket_accept((int)number(&call, 0), &peer);
    napi_value result;

    napi_create_object(env, &result);
    put(env, result, "fd", fd);
    put(env, result, "pid", peer.pid);
    put(env, result, "uid", peer.uid);
    put(env, result, "gid", peer.gid);
    return result;
}

/* receive(fd): {size, data, fds}; size 0 is the end, below 0 -errno. */
static napi_value receive(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    uint8_t buffer[MESSAGE_MOST];
    struct gz_message message = { .bytes = buffer, .size = sizeof(buffer) };
    ssize_t size = gz_socket_receive((int)number(&call, 0), &message);
    napi_value result, data, fds;

    napi_create_object(env, &result);
    napi_create_buffer_copy(env, size > 0 ? (size_t)size : 0, buffer, NULL, &data);
    napi_create_array_with_length(env, message.fd_count, &fds);
    for (uint32_t i = 0; i < message.fd_count; i++)
        napi_set_element(env, fds, i, give(env, message.fds[i]));
    put(env, result, "size", size);
    put(env, result, "isCut", message.is_cut);
    napi_set_named_property(env, result, "data", data);
    napi_set_named_property(env, result, "fds", fds);
    return result;
}

/* send(fd, bytes, fd...) */
static napi_value send_one(napi_env env, napi_callback_info info)
{
    struct call call = take(env, info);
    struct gz_message message = { .fd_count = 0 };

    message.bytes = bytes(&call, 1, &message.size);
    for (uint32_t i = 2; i < call.count && message.fd_count < GZ_MESSAGE_FDS; i++)
        message.fds[message.fd_count++] = (int)number(&call, i);
    return give(env, gz_socket_send((int)number(&call, 0), &message));
}

NAPI_MODULE_INIT()
{
    static const struct {
        const char *name;
        napi_callback function;
    } list[] = {
        { "create", create },
        { "start", start },
        { "stop", stop },
        { "door", door },
        { "read", read_memory },
        { "dpdkLoad", dpdk_load },
        { "nicOpen", nic_open },
        { "deviceMtu", device_mtu },
        { "kernelOpen", kernel_open },
        { "netlinkOpen", netlink_open },
        { "netlinkTell", netlink_tell },
        { "nicFacts", nic_facts },
        { "busy", busy },
        { "map", map },
        { "unmap", unmap },
        { "seal", seal },
        { "wakesOpen", wakes_open },
        { "wakesClose", wakes_close },
        { "events", start_events },
        { "watch", watch },
        { "listen", listen_at },
        { "accept", accept_one },
        { "receive", receive },
        { "send", send_one },
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        napi_value function;

        napi_create_function(env, list[i].name, NAPI_AUTO_LENGTH, list[i].function, NULL, &function);
        napi_set_named_property(env, exports, list[i].name, function);
    }
    return exports;
}
