/* Frames between the stack's rings and DPDK's device. */
#include "dpdk.h"

#include <rte_errno.h>
#include <string.h>

#include "port/fields.h"

#define BURST 32

static uint32_t checksum_flags(uint64_t flags)
{
    uint64_t result = flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

    if (result == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
        return GZ_RX_FLAG_CHECKSUM_GOOD;
    return result == RTE_MBUF_F_RX_L4_CKSUM_BAD ? GZ_RX_FLAG_CHECKSUM_BAD : 0;
}

/* Copies a frame into bounce slot `index`; answers the bytes present. */
static uint32_t bounce(struct gz_dpdk *dpdk, const struct rte_mbuf *mbuf, uint32_t index, uint8_t **at)
{
    uint8_t *slot = dpdk->bounce + (size_t)index * GZ_DPDK_BOUNCE;
    uint32_t length = mbuf->pkt_len < GZ_DPDK_BOUNCE ? mbuf->pkt_len : GZ_DPDK_BOUNCE;
    const void *data = rte_pktmbuf_read(mbuf, 0, length, slot);

    if (data != NULL && data != slot)
        memcpy(slot, data, length);
    *at = slot;
    return data == NULL ? 0 : length;
}

uint32_t gz_dpdk_receive(struct gz_port *port, uint8_t *frames, uint32_t most)
{
    struct gz_dpdk *dpdk = port->state;
    uint16_t room = (uint16_t)(most < GZ_RX_BURST ? most : GZ_RX_BURST);

    gz_dpdk_enter(dpdk);
    gz_dpdk_disarm(dpdk);
    dpdk->lent_count = rte_eth_rx_burst(dpdk->device, dpdk->queue, dpdk->lent, room);
    for (uint32_t i = 0; i < dpdk->lent_count; i++) {
        const struct rte_mbuf *mbuf = dpdk->lent[i];
        uint8_t *frame = frames + (size_t)i * GZ_RX_FRAME_SIZE;
        uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);
        uint32_t length = mbuf->data_len;

        if (dpdk->copies || mbuf->nb_segs > 1)
            length = bounce(dpdk, mbuf, i, &data);
        gz_field32_set(frame, GZ_RX_FRAME_ADDRESS, (uint32_t)(data - port->memory));
        gz_field32_set(frame, GZ_RX_FRAME_LENGTH, length);
        gz_field32_set(frame, GZ_RX_FRAME_WIRE_LENGTH, mbuf->pkt_len);
        gz_field32_set(frame, GZ_RX_FRAME_FLAGS, checksum_flags(mbuf->ol_flags));
    }
    return dpdk->lent_count;
}

void gz_dpdk_release(struct gz_port *port)
{
    struct gz_dpdk *dpdk = port->state;

    if (dpdk->lent_count == 0)
        return;
    gz_dpdk_enter(dpdk);
    rte_pktmbuf_free_bulk(dpdk->lent, dpdk->lent_count);
    dpdk->lent_count = 0;
}

/* Appends one span to a chain; false when buffers run out. */
static bool append(struct gz_dpdk *dpdk, struct rte_mbuf *head, const uint8_t *data, uint32_t length)
{
    struct rte_mbuf *tail = rte_pktmbuf_lastseg(head);

    while (length > 0) {
        uint32_t room = rte_pktmbuf_tailroom(tail);

        if (room == 0) {
            struct rte_mbuf *next = rte_pktmbuf_alloc(dpdk->transmit_pool);

            if (next == NULL)
                return false;
            tail->next = next;
            head->nb_segs++;
            tail = next;
            room = rte_pktmbuf_tailroom(tail);
        }
        uint32_t part = length < room ? length : room;

        memcpy(rte_pktmbuf_mtod_offset(tail, uint8_t *, tail->data_len), data, part);
        tail->data_len = (uint16_t)(tail->data_len + part);
        head->pkt_len += part;
        data += part;
        length -= part;
    }
    return true;
}

/* What the device shall do with the frame, as the slot says. */
static void describe(struct rte_mbuf *mbuf, const uint8_t *slot)
{
    uint16_t flags = gz_field16(slot, GZ_TX_SLOT_FLAGS);
    uint16_t link = gz_field16(slot, GZ_TX_SLOT_LINK_LENGTH);
    uint16_t start = gz_field16(slot, GZ_TX_SLOT_CHECKSUM_START);

    if ((flags & GZ_TX_FLAG_CHECKSUM) == 0)
        return;
    mbuf->l2_len = link;
    mbuf->l3_len = start - link;
    mbuf->l4_len = gz_field16(slot, GZ_TX_SLOT_HEADER_LENGTH) - start;
    mbuf->ol_flags |= (flags & GZ_TX_FLAG_IPV6) != 0 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
    mbuf->ol_flags |= (flags & GZ_TX_FLAG_DATAGRAM) != 0 ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM;
    if ((flags & GZ_TX_FLAG_SEGMENT) != 0) {
        mbuf->tso_segsz = gz_field16(slot, GZ_TX_SLOT_SEGMENT_SIZE);
        mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
        if ((flags & GZ_TX_FLAG_IPV6) == 0)
            mbuf->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
    }
}

/* A copy of the frame in a slot, or NULL when buffers run out. */
static struct rte_mbuf *copy(struct gz_port *port, const uint8_t *slot)
{
    struct gz_dpdk *dpdk = port->state;
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(dpdk->transmit_pool);
    uint16_t spans = gz_field16(slot, GZ_TX_SLOT_SPAN_COUNT);

    if (mbuf == NULL)
        return NULL;
    for (uint32_t i = 0; i < spans && i < GZ_TX_SPANS; i++) {
        const uint8_t *span = slot + GZ_TX_SLOT_SPANS + (size_t)i * GZ_SPAN_SIZE;

        if (!append(dpdk, mbuf, port->memory + gz_field32(span, GZ_SPAN_ADDRESS),
                gz_field32(span, GZ_SPAN_LENGTH))) {
            rte_pktmbuf_free(mbuf);
            return NULL;
        }
    }
    describe(mbuf, slot);
    return mbuf;
}

uint32_t gz_dpdk_transmit(struct gz_port *port, const uint8_t *slots, uint32_t head, uint32_t count)
{
    struct gz_dpdk *dpdk = port->state;
    struct rte_mbuf *burst[BURST];
    uint32_t done = 0;

    port->blocked = false;
    gz_dpdk_enter(dpdk);
    while (done < count && !port->blocked) {
        uint16_t ready = 0, sent;

        while (ready < BURST && done + ready < count) {
            uint32_t index = (head + done + ready) & (GZ_TX_RING - 1);

            burst[ready] = copy(port, slots + (size_t)index * GZ_TX_SLOT_STRIDE);
            if (burst[ready] == NULL)
                break;
            ready++;
        }
        sent = rte_eth_tx_prepare(dpdk->device, dpdk->queue, burst, ready);
        if (sent > 0) {
            sent = rte_eth_tx_burst(dpdk->device, dpdk->queue, burst, sent);
        } else if (ready > 0) {
            /* The device can never send this frame: it is lost, and counted. */
            rte_pktmbuf_free(burst[0]);
            port->refused++;
            sent = 1;
        }
        rte_pktmbuf_free_bulk(burst + sent, ready - sent);
        done += sent;
        port->blocked = sent < ready || ready == 0;
    }
    return done;
}
