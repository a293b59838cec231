/*
 * The registration of a ring port with ltran: memory, descriptors, and the connection whose end is the end of
 * the other side. What is said over it is the stack's (ring/registration.ts).
 */
#ifndef GZ_REGISTER_H
#define GZ_REGISTER_H

#include "port/port.h"

/* Whether there is an ltran to register with: 0, or -1 with a message in the port. */
int gz_ltran_probe(struct gz_port *port);
/* open and close of struct gz_port_kind. */
int gz_ltran_open(struct gz_port *port, const struct gz_port_request *request);
void gz_ltran_close(struct gz_port *port);
/* Wakes ltran. */
void gz_ltran_kick(void);
/* Ends the registration, because the ring broke its rules; another one begins. */
void gz_ltran_end(void);

#endif
