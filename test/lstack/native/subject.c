/*
 * Runs scenarios of socket calls and prints what every call answered.
 *   subject peer PATH SUBJECT-ADDRESS PEER-ADDRESS
 *   subject run PATH SUBJECT-ADDRESS PEER-ADDRESS [SCENARIO]
 */
#include "subject.h"

static const char *own_text, *other_text;
static int port = 20000;

const char *name_of(int error)
{
    const char *name = strerrorname_np(error);

    return name != NULL ? name : "?";
}

static struct sockaddr_in make(const char *text, int number)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)number) };

    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

struct sockaddr_in own(int number)
{
    return make(own_text, number);
}

struct sockaddr_in other(int number)
{
    return make(other_text, number);
}

struct sockaddr_in any(int number)
{
    return make("0.0.0.0", number);
}

int next_port(void)
{
    return ++port;
}

int listener_at(int number)
{
    struct sockaddr_in address = own(number);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, ADDRESS(address)) != 0 || listen(fd, 8) != 0)
        printf("  listener: %s\n", name_of(errno));
    return fd;
}

int accepted(void)
{
    int number = next_port(), listener = listener_at(number);

    if (peer("connect 0 %d", number) != 0)
        printf("  peer cannot connect\n");
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        printf("  accept: %s\n", name_of(errno));
    close(listener);
    return fd;
}

int connected(void)
{
    int number = next_port(), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = other(number);

    peer("listen 1 %d", number);
    if (connect(fd, ADDRESS(address)) != 0)
        printf("  connect: %s\n", name_of(errno));
    peer("accept 0 1");
    peer("close 1");
    return fd;
}

const char *events_text(unsigned events)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        { EPOLLIN, "IN" }, { EPOLLOUT, "OUT" }, { EPOLLPRI, "PRI" }, { EPOLLERR, "ERR" }, { EPOLLHUP, "HUP" },
        { EPOLLRDHUP, "RDHUP" }, { POLLNVAL, "NVAL" }, { EPOLLRDNORM, "RDNORM" }, { EPOLLWRNORM, "WRNORM" },
    };
    static char text[128];

    text[0] = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (events & names[i].bit)
            strcat(strcat(text, text[0] != 0 ? "|" : ""), names[i].name);
    return text[0] != 0 ? text : "none";
}

int events_of(int fd, int wanted)
{
    struct pollfd entry = { .fd = fd, .events = (short)wanted };

    poll(&entry, 1, 0);
    printf("  events %s\n", events_text((unsigned)entry.revents));
    return entry.revents;
}

void await(int fd, int wanted)
{
    struct pollfd entry = { .fd = fd, .events = (short)wanted };

    for (int i = 0; i < 1000; i++) {
        poll(&entry, 1, 10);
        if ((entry.revents & wanted) == wanted)
            return;
        milliseconds(1);
    }
    printf("  never saw %s\n", events_text((unsigned)wanted));
}

void milliseconds(int count)
{
    struct timespec time = { count / 1000, count % 1000 * 1000000l };

    nanosleep(&time, NULL);
}

void fill(char *bytes, size_t count, size_t start)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)((start + i) % 251);
}

bool is_filled(const char *bytes, size_t count, size_t start)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != (char)((start + i) % 251))
            return false;
    return true;
}

static void run_all(const struct scenario *list, const char *only)
{
    for (; list->name != NULL; list++) {
        if (only != NULL && strcmp(only, list->name) != 0)
            continue;
        printf("%s\n", list->name);
        list->run();
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 2;
    if (strcmp(arguments[1], "peer") == 0)
        return peer_main(arguments[2], arguments[3], arguments[4]);
    own_text = arguments[3];
    other_text = arguments[4];
    signal(SIGPIPE, SIG_IGN);
    peer_open(arguments[2]);
    const char *only = count > 5 ? arguments[5] : NULL;

    run_all(connection_scenarios, only);
    run_all(stream_scenarios, only);
    run_all(epoll_scenarios, only);
    run_all(nested_scenarios, only);
    run_all(option_scenarios, only);
    run_all(datagram_scenarios, only);
    run_all(control_scenarios, only);
    run_all(descriptor_scenarios, only);
    run_all(closing_scenarios, only);
    run_all(cancel_scenarios, only);
    run_all(fault_scenarios, only);
    return 0;
}
