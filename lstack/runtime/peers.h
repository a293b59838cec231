/*
 * Rings to other programs on this machine (stack/link/peer-port.ts): their memory and descriptors. All of it
 * is done by the thread that keeps the registration with ltran.
 */
#ifndef GZ_PEERS_H
#define GZ_PEERS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* The stack's ports, but for the one to ltran. */
#define GZ_PEERS_MAX (GZ_PORTS_MAX - 1)

/* The regions lie from `at` on, as many as fit; frames are copied to `landing`. Answers their end. */
uint32_t gz_peers_place(uint32_t at, uint32_t landing);
/* Puts what tells of the peers' end into a list for poll(), of which there may be GZ_PEERS_MAX. */
uint32_t gz_peers_watch(struct pollfd *list);
/* Closes the rings whose other end is gone, and tells ltran at `ltran`. */
void gz_peers_look(const struct pollfd *list, uint32_t count, int ltran);
/* Takes a message of ltran's; false when that has ended. */
bool gz_peers_receive(int ltran);
/* Tells a new ltran of the rings that there are. */
void gz_peers_tell(int ltran);

#endif
