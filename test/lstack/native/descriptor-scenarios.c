/* dup, fcntl, fork and what else happens to descriptors. */
#include "subject.h"

#include <sys/sendfile.h>
#include <sys/wait.h>

static void duplicates(void)
{
    int fd = accepted(), two = FD(dup(fd)), three = FD(dup2(fd, 200)),
        four = FD(fcntl(fd, F_DUPFD_CLOEXEC, 300));
    char bytes[8];

    DO(three);
    DO(four);
    DO(dup2(fd, fd) == fd);
    DO(dup3(fd, fd, 0));
    DO(dup2(fd, -1));
    DO(fcntl(four, F_GETFD));
    DO(fcntl(two, F_SETFL, O_NONBLOCK));
    DO(fcntl(three, F_GETFL) & O_NONBLOCK);
    DO(read(fd, bytes, sizeof(bytes)));
    DO(close(fd));
    PEER("send 0 3");
    await(two, POLLIN);
    DO(read(three, bytes, sizeof(bytes)));
    DO(close(two));
    DO(close(three));
    DO(send(four, "abc", 3, 0));
    DO(close(four));
    PEER("end 0");
    PEER("receive 0 9");
    PEER("close 0");
}

static void over_another(void)
{
    int fd = accepted(), pipes[2];
    char bytes[8];

    DO(pipe(pipes));
    DO(dup2(pipes[0], fd) == fd);
    PEER("end 0");
    DO(write(pipes[1], "pipe", 4));
    DO(read(fd, bytes, sizeof(bytes)));
    DO(close(fd));
    DO(close(pipes[0]));
    DO(close(pipes[1]));
    PEER("close 0");
}

static void numbers_come_again(void)
{
    int fd = accepted(), pipes[2];
    char bytes[8];

    DO(close(fd));
    DO(pipe(pipes));
    printf("  the number came again: %d\n", pipes[0] == fd || pipes[1] == fd);
    DO(write(pipes[1], "pipe", 4));
    DO(read(pipes[0], bytes, sizeof(bytes)));
    DO(close(pipes[0]));
    DO(close(pipes[1]));
    PEER("close 0");
}

static void a_file_stream(void)
{
    int fd = accepted();
    FILE *stream = fdopen(fd, "w");

    DO(fclose(stream));
    PEER("end 0");
    int file = open("/dev/zero", O_RDONLY);
    char byte = 1;

    DO(read(file, &byte, 1));
    printf("  zero: %d\n", byte);
    DO(close(file));
    PEER("close 0");
}

static void close_many(void)
{
    int fd = accepted(), high = dup2(fd, 400);

    DO(close(fd));
    DO(close_range(380, 420, 0));
    PEER("end 0");
    DO(send(high, "x", 1, MSG_NOSIGNAL));
    PEER("close 0");
}

static void flags(void)
{
    int fd = FD(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), on = 0;

    DO(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    DO(fcntl(fd, F_GETFD));
    DO(ioctl(fd, FIONBIO, &on));
    DO(fcntl(fd, F_GETFL) == O_RDWR);
    DO(close(fd));
    fd = accepted();
    on = 1;
    DO(fcntl(fd, F_GETFL) == O_RDWR);
    DO(ioctl(fd, FIONBIO, &on));
    DO(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    DO(fcntl(fd, F_SETFD, FD_CLOEXEC));
    DO(fcntl(fd, F_GETFD));
    DO(lseek(fd, 0, SEEK_CUR));
    DO(close(fd));
    PEER("close 0");
}

static void file_into_socket(void)
{
    char name[] = "/tmp/gz-sendfile-XXXXXX", bytes[5000];
    int file = mkstemp(name), fd = connected();
    off_t offset = 100;

    unlink(name);
    fill(bytes, sizeof(bytes), 0);
    DO(write(file, bytes, sizeof(bytes)));
    DO(lseek(file, 0, SEEK_SET));
    DO(sendfile(fd, file, NULL, 3000));
    DO(lseek(file, 0, SEEK_CUR));
    PEER("receive 0 3000");
    DO(sendfile(fd, file, &offset, 10));
    DO(offset);
    DO(sendfile(fd, file, NULL, 100000));
    DO(sendfile(fd, file, NULL, 100000));
    DO(close(file));
    DO(close(fd));
    PEER("close 0");
}

static void child_with_pipe(void)
{
    int fd = accepted(), pipes[2], status = 0;
    char bytes[8];

    DO(pipe(pipes));
    fflush(stdout);
    pid_t child = fork();

    if (child == 0) {
        close(pipes[0]);
        if (write(pipes[1], "child", 5) != 5)
            _exit(1);
        close(fd);
        _exit(7);
    }
    DO(close(pipes[1]));
    DO(read(pipes[0], bytes, 5));
    DO(waitpid(child, &status, 0) == child);
    printf("  status %d\n", WEXITSTATUS(status));
    DO(close(pipes[0]));
    PEER("send 0 2");
    DO(read(fd, bytes, sizeof(bytes)));
    DO(send(fd, "ok", 2, 0));
    PEER("end 0");
    DO(close(fd));
    PEER("close 0");
}

/* A child that is stopped or killed within a call on a shared descriptor is not the parent's concern. */
static void children_that_end(void)
{
    int fd = accepted(), status = 0;
    char bytes[8];

    for (int i = 0; i < 16; i++) {
        fflush(stdout);
        pid_t child = fork();

        if (child == 0)
            alarm(10);
        while (child == 0)
            fcntl(fd, F_GETFL);
        milliseconds(3);
        kill(child, SIGSTOP);
        waitpid(child, &status, WUNTRACED);
        PEER("send 0 2");
        DO(read(fd, bytes, sizeof(bytes)));
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        PEER("send 0 3");
        DO(read(fd, bytes, sizeof(bytes)));
    }
    DO(close(fd));
    PEER("end 0");
    PEER("close 0");
}

static volatile sig_atomic_t values[16], value_count;

static void note_value(int signal, siginfo_t *information, void *context)
{
    (void)signal;
    (void)context;
    values[value_count++ % 16] = information->si_value.sival_int;
}

/* Real-time signals that come at once while a call waits are delivered one by one. */
static void queued_signals(void)
{
    struct sigaction action = { .sa_sigaction = note_value, .sa_flags = SA_SIGINFO };
    int fd = accepted();
    char byte;

    value_count = 0;
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    pid_t self = getpid(), child = fork();

    if (child == 0) {
        milliseconds(100);
        kill(self, SIGSTOP);
        for (int i = 0; i < 8; i++)
            sigqueue(self, SIGRTMIN + i % 2, (union sigval){ .sival_int = i });
        kill(self, SIGCONT);
        _exit(0);
    }
    DO(recv(fd, &byte, 1, 0));
    waitpid(child, NULL, 0);
    printf("  %d:", (int)value_count);
    for (int i = 0; i < value_count && i < 16; i++)
        printf(" %d", (int)values[i]);
    printf("\n");
    signal(SIGRTMIN, SIG_DFL);
    signal(SIGRTMIN + 1, SIG_DFL);
    DO(close(fd));
    PEER("close 0");
}

const struct scenario descriptor_scenarios[] = {
    { "duplicates", duplicates },
    { "a pipe over a socket", over_another },
    { "numbers come again", numbers_come_again },
    { "a file stream", a_file_stream },
    { "close many", close_many },
    { "flags of descriptors", flags },
    { "a file into a socket", file_into_socket },
    { "a child with a pipe", child_with_pipe },
    { "children that end", children_that_end },
    { "queued signals", queued_signals },
    { NULL, NULL },
};
