/* Where the control socket's file is. */
#ifndef GZ_CONTROL_PATH_H
#define GZ_CONTROL_PATH_H

/* Gives a unix socket this process' path, readable and writable by its owner only, and listens: 0 or -1. */
int gz_control_bind(int fd, int backlog);
/* Removes the files of processes that were killed. */
void gz_control_sweep(void);

#endif
