"""An accelerated program that uses sockets in every way, from several threads; talks to stacks-client.ts."""
import select
import socket
import sys
import threading

OWN, PEER, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
EPOLL, ACCEPT, POLL, UDP_MAIN, UDP_THREAD, CONTROL, PEER_ECHO = range(PORT, PORT + 7)


def listener(port):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((OWN, port))
    made.listen(256)
    return made


def accept_and_echo(made):
    while True:
        connection, _ = made.accept()
        with connection:
            connection.sendall(connection.recv(4096))


def poll_and_echo(made):
    poll, known = select.poll(), {made.fileno(): made}
    poll.register(made, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == made.fileno():
                connection, _ = made.accept()
                known[connection.fileno()] = connection
                poll.register(connection, select.POLLIN)
                continue
            data = known[fd].recv(4096)
            if data:
                known[fd].sendall(data)
            else:
                poll.unregister(fd)
                known.pop(fd).close()


def echo_datagrams(made):
    while True:
        data, sender = made.recvfrom(4096)
        made.sendto(data, sender)


def datagram_thread():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((OWN, UDP_THREAD))
    echo_datagrams(made)


def call_peer(count, results):
    for number in range(count):
        with socket.create_connection((PEER, PEER_ECHO), timeout=20) as made:
            text = b"call %d" % number
            made.sendall(text)
            results.append(made.recv(4096) == text)


def call_from_threads():
    results = []
    threads = [threading.Thread(target=call_peer, args=(10, results)) for _ in range(4)]
    for thread in threads:
        thread.start()
    call_peer(10, results)
    for thread in threads:
        thread.join()
    return b"%d" % results.count(True)


def taken_elsewhere():
    """Whether another thread, in another stack, may bind what the main thread has."""
    outcomes = []

    def attempt():
        other = socket.socket()
        try:
            other.bind((OWN, EPOLL))
            outcomes.append(b"bound")
        except OSError as error:
            outcomes.append(b"%d" % error.errno)
        other.close()

    for _ in range(2):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    return b" ".join(outcomes)


def serve():
    first, control = listener(EPOLL), listener(CONTROL)
    for target, argument in ((accept_and_echo, listener(ACCEPT)), (poll_and_echo, listener(POLL))):
        threading.Thread(target=target, args=(argument,), daemon=True).start()
    threading.Thread(target=datagram_thread, daemon=True).start()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((OWN, UDP_MAIN))
    epoll, known = select.epoll(), {}
    for made in (first, control, datagrams):
        known[made.fileno()] = made
        epoll.register(made, select.EPOLLIN)
    print("ready", flush=True)
    while True:
        for fd, _ in epoll.poll():
            made = known[fd]
            if made in (first, control):
                connection, _ = made.accept()
                known[connection.fileno()] = connection
                epoll.register(connection, select.EPOLLIN)
            elif made is datagrams:
                data, sender = datagrams.recvfrom(4096)
                datagrams.sendto(data, sender)
            else:
                data = made.recv(4096)
                if data == b"call":
                    data = call_from_threads()
                elif data == b"bind":
                    data = taken_elsewhere()
                elif data == b"quit":
                    return
                if data:
                    made.sendall(data)
                else:
                    epoll.unregister(fd)
                    known.pop(fd).close()


serve()
