/*
 * lwIP 2.1.3 for the engine benchmark, through its raw API and without its core lock. Each instance is a copy
 * of the library in a link map of its own (dlmopen), since lwIP keeps its state in globals.
 */
#include <netif/ethernet.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* How often lwIP wants its timers run. */
#define TICK_US (TCP_TMR_INTERVAL * 1000)
#define FRAMES 4096
#define EVENT_QUEUE (ENGINE_CONNECTIONS * 2)

struct connection {
    struct tcp_pcb *pcb;
    struct pbuf *received;
    bool ended;
    /* Events of these kinds are in the queue: once each. */
    bool queued[ENGINE_WRITABLE + 1];
};

static struct netif interface;
static struct tcp_pcb *listener;
static engine_deliver *deliver_to;
static void *deliver_peer;
static struct connection connections[ENGINE_CONNECTIONS];
static int used;
static int spare[ENGINE_CONNECTIONS], spares;
static struct engine_event queue[EVENT_QUEUE];
static uint32_t queue_head, queue_tail;
static struct pbuf *inbox[FRAMES];
static uint32_t inbox_count;
static uint64_t next_tick;

static void raise_event(int connection, enum engine_event_kind kind)
{
    if (connections[connection].queued[kind])
        return;
    connections[connection].queued[kind] = true;
    queue[queue_tail++ % EVENT_QUEUE] = (struct engine_event){ connection, kind };
}

static err_t transmit(struct netif *netif, struct pbuf *frame)
{
    const void *parts[64];
    uint32_t lengths[64], count = 0;

    for (struct pbuf *at = frame; at != NULL && count < 64; at = at->next) {
        parts[count] = at->payload;
        lengths[count++] = at->len;
    }
    deliver_to(deliver_peer, parts, lengths, count);
    return ERR_OK;
}

static err_t set_up(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->output = etharp_output;
    netif->linkoutput = transmit;
    netif->mtu = ENGINE_MTU;
    netif->hwaddr_len = 6;
    netif->flags =
        NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

static void *host_open(int side, uint64_t now)
{
    ip4_addr_t address, mask, gateway;

    lwip_init();
    IP4_ADDR(&address, 10, 0, 0, side + 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    if (netif_add(&interface, &address, &mask, &gateway, NULL, set_up, ethernet_input) == NULL)
        return NULL;
    interface.hwaddr[0] = 2;
    interface.hwaddr[5] = (u8_t)(side + 1);
    netif_set_default(&interface);
    next_tick = now + TICK_US;
    return &interface;
}

static void host_wire(void *stack, engine_deliver *deliver, void *peer)
{
    deliver_to = deliver;
    deliver_peer = peer;
}

static void host_deliver(void *stack, const void *const *parts, const uint32_t *lengths, uint32_t count)
{
    uint32_t length = 0, offset = 0;

    for (uint32_t i = 0; i < count; i++)
        length += lengths[i];
    /*
     * Not from PBUF_POOL, whose elements hold 592 bytes in Debian's library although their size is given as
     * 1536: a full frame would overrun the heap. Both kinds are one malloc there.
     */
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);

    if (frame == NULL || inbox_count == FRAMES)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        pbuf_take_at(frame, parts[i], (u16_t)lengths[i], (u16_t)offset);
        offset += lengths[i];
    }
    inbox[inbox_count++] = frame;
}

static int number(struct tcp_pcb *pcb)
{
    int index = spares > 0 ? spare[--spares] : used++;

    if (index >= ENGINE_CONNECTIONS)
        abort();
    connections[index].pcb = pcb;
    connections[index].ended = false;
    return index;
}

static err_t on_receive(void *argument, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    int index = (int)(intptr_t)argument;
    struct connection *connection = &connections[index];

    if (data == NULL)
        connection->ended = true;
    else if (connection->received == NULL)
        connection->received = data;
    else
        pbuf_cat(connection->received, data);
    raise_event(index, ENGINE_READABLE);
    return ERR_OK;
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t length)
{
    raise_event((int)(intptr_t)argument, ENGINE_WRITABLE);
    return ERR_OK;
}

static void on_error(void *argument, err_t error)
{
    connections[(int)(intptr_t)argument].pcb = NULL;
}

static void adopt(struct tcp_pcb *pcb, int index, bool writes)
{
    tcp_arg(pcb, (void *)(intptr_t)index);
    tcp_recv(pcb, on_receive);
    if (writes)
        tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_nagle_disable(pcb);
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    int index = number(pcb);

    adopt(pcb, index, false);
    raise_event(index, ENGINE_ACCEPTED);
    return ERR_OK;
}

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    raise_event((int)(intptr_t)argument, ENGINE_CONNECTED);
    return ERR_OK;
}

static void host_listen(void *stack, uint16_t port)
{
    listener = tcp_new();
    tcp_bind(listener, IP_ADDR_ANY, port);
    listener = tcp_listen_with_backlog(listener, 255);
    tcp_accept(listener, on_accept);
}

static int host_connect(void *stack, uint16_t port, int writes)
{
    struct tcp_pcb *pcb = tcp_new();
    int index = number(pcb);
    ip_addr_t peer;

    IP_ADDR4(&peer, 10, 0, 0, 2);
    adopt(pcb, index, writes != 0);
    return tcp_connect(pcb, &peer, port, on_connected) == ERR_OK ? index : -1;
}

static uint32_t host_send(void *stack, int connection, const void *data, uint32_t length)
{
    struct tcp_pcb *pcb = connections[connection].pcb;
    uint32_t room = pcb == NULL ? 0 : tcp_sndbuf(pcb);
    uint32_t part = length < room ? length : room;

    if (part == 0 || tcp_write(pcb, data, (u16_t)part, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return 0;
    tcp_output(pcb);
    return part;
}

static int32_t host_receive(void *stack, int connection, void *data, uint32_t length)
{
    struct connection *from = &connections[connection];

    if (from->received == NULL)
        return from->ended ? -1 : 0;
    u16_t part = pbuf_copy_partial(from->received, data, (u16_t)(length > 65535 ? 65535 : length), 0);

    from->received = pbuf_free_header(from->received, part);
    if (from->pcb != NULL)
        tcp_recved(from->pcb, part);
    return part;
}

static void host_close(void *stack, int connection)
{
    struct connection *gone = &connections[connection];

    if (gone->received != NULL)
        pbuf_free(gone->received);
    if (gone->pcb != NULL) {
        tcp_arg(gone->pcb, NULL);
        tcp_recv(gone->pcb, NULL);
        tcp_sent(gone->pcb, NULL);
        tcp_err(gone->pcb, NULL);
        tcp_close(gone->pcb);
    }
    gone->pcb = NULL;
    gone->received = NULL;
    spare[spares++] = connection;
}

static uint32_t host_events(void *stack, struct engine_event *events)
{
    uint32_t count = 0;

    while (queue_head != queue_tail && count < ENGINE_EVENTS) {
        events[count] = queue[queue_head++ % EVENT_QUEUE];
        connections[events[count].connection].queued[events[count].kind] = false;
        count++;
    }
    return count;
}

static void host_input(void *stack)
{
    uint32_t count = inbox_count;

    inbox_count = 0;
    for (uint32_t i = 0; i < count; i++)
        interface.input(inbox[i], &interface);
}

/* lwIP has sent everything by itself. */
static void host_output(void *stack)
{
}

static void host_time(void *stack, uint64_t now)
{
    for (; now >= next_tick; next_tick += TICK_US)
        tcp_tmr();
}

static const char *host_options(void)
{
    static char text[240];

    snprintf(text, sizeof(text),
        "TCP_MSS %d, TCP_WND %d, TCP_SND_BUF %d, LWIP_WND_SCALE %d, LWIP_TCP_TIMESTAMPS %d, "
        "LWIP_TCP_SACK_OUT %d, LWIP_CHECKSUM_ON_COPY %d, MEMP_MEM_MALLOC %d, no Nagle",
        TCP_MSS, TCP_WND, TCP_SND_BUF, LWIP_WND_SCALE, LWIP_TCP_TIMESTAMPS, LWIP_TCP_SACK_OUT,
        LWIP_CHECKSUM_ON_COPY, MEMP_MEM_MALLOC);
    return text;
}

ENGINE_OF_HOST;
