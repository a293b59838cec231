/* Where the control socket's file is. */
#ifndef GZ_CONTROL_PATH_H
#define GZ_CONTROL_PATH_H

#include <limits.h>
#include <stdbool.h>

/*
 * Where sockets lie: place 0 is root's, 1 and 2 are a user's own. False: there is no such place for this
 * process.
 */
#define GZ_CONTROL_PLACES 3
bool gz_control_folder(int place, char path[PATH_MAX]);
/* Gives a unix socket this process' path, readable and writable by its owner only, and listens: 0 or -1. */
int gz_control_bind(int fd, int backlog);
/* Removes the files of processes that were killed. */
void gz_control_sweep(void);

#endif
