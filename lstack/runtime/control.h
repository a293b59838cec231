/* The control socket of the process that has the port (docs/control-protocol.md). */
#ifndef GZ_CONTROL_H
#define GZ_CONTROL_H

/*
 * Makes the socket, and the thread that answers at it; without a place for the socket the stack works all the
 * same. Called with the lock held, once the stack runs. The socket's file goes when the process ends.
 */
void gz_control_start(void);

#endif
