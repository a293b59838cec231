"""An accelerated program whose threads meet in one socket, or one address, and its peer: threads.test.ts."""
import json
import select
import socket
import sys
import threading
import time

ROLE, SCENARIO, OWN, PEER, PORT = *sys.argv[1:5], int(sys.argv[5])
CONTROL, ECHO, LOCAL = PORT + 1, PORT + 2, PORT + 3
CONNECTIONS = 40
PATIENCE = 5


def datagrams(address=None):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if address is not None:
        made.bind(address)
    return made


def echo(made):
    while True:
        data, sender = made.recvfrom(4096)
        made.sendto(data, sender)


def received(made, wait, connect):
    """What a thread that waits for a datagram gets once another thread has connected the socket."""
    got = []
    thread = threading.Thread(target=lambda: got.append(wait(made)), daemon=True)
    thread.start()
    time.sleep(0.3)
    made.connect(connect)
    made.send(b"text")
    thread.join(PATIENCE)
    return got[0] if got else "nothing"


def by_receive(made):
    return made.recv(100).decode()


def by_poll(made):
    poll = select.poll()
    poll.register(made, select.POLLIN)
    return made.recv(100).decode() if poll.poll(1000 * PATIENCE) else "silence"


def connected_elsewhere():
    threading.Thread(target=echo, args=(datagrams(("127.0.0.1", LOCAL)),), daemon=True).start()
    stack, kernel = (PEER, ECHO), ("127.0.0.1", LOCAL)
    return {
        "unbound to stack": received(datagrams(), by_receive, stack),
        "unbound to kernel": received(datagrams(), by_receive, kernel),
        "unbound to stack, poll": received(datagrams(), by_poll, stack),
        "unbound to kernel, poll": received(datagrams(), by_poll, kernel),
        "bound to stack": received(datagrams(("0.0.0.0", 0)), by_receive, stack),
        "bound to kernel": received(datagrams(("0.0.0.0", 0)), by_receive, kernel),
    }


def race(rounds=40, racers=4):
    """How many of several threads, each in a stack of its own, get one address, round by round."""
    begin, middle, end = (threading.Barrier(racers) for _ in range(3))
    winners = [0] * rounds
    lock = threading.Lock()

    def run():
        for number in range(rounds):
            made = socket.socket()
            begin.wait()
            try:
                made.bind((OWN, PORT + 10 + number))
                with lock:
                    winners[number] += 1
            except OSError:
                pass
            middle.wait()
            made.close()
            end.wait()

    threads = [threading.Thread(target=run) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"rounds": rounds, "winners": sorted(set(winners))}


def listener(port):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((OWN, port))
    made.listen(256)
    return made


def count_events(epoll):
    return sum(len(epoll.poll(0.2)) for _ in range(3))


def one_shot():
    made, control = listener(PORT), listener(CONTROL)
    epoll = select.epoll()
    epoll.register(made, select.EPOLLIN | select.EPOLLONESHOT)
    print("ready", flush=True)
    control.accept()[0].recv(1)
    events = [count_events(epoll)]
    for _ in range(2):
        epoll.modify(made, select.EPOLLIN | select.EPOLLONESHOT)
        events.append(count_events(epoll))
    for _ in range(CONNECTIONS):
        made.accept()
    epoll.modify(made, select.EPOLLIN | select.EPOLLONESHOT)
    return {"events": events + [count_events(epoll)]}


def nested():
    made = listener(PORT)
    inner, outer, known = select.epoll(), select.epoll(), {}
    outer.register(inner.fileno(), select.EPOLLIN)
    print("ready", flush=True)
    for _ in range(CONNECTIONS):
        connection = made.accept()[0]
        known[connection.fileno()] = connection
        inner.register(connection, select.EPOLLIN)
    shown = 0
    while shown < CONNECTIONS and outer.poll(PATIENCE):
        for fd, _ in inner.poll(0):
            known[fd].send(known[fd].recv(10))
            inner.unregister(fd)
            shown += 1
    return {"shown": shown, "rest": len(outer.poll(0.1))}


def serve():
    scenarios = {"connect": connected_elsewhere, "race": race, "oneshot": one_shot, "nested": nested}
    if SCENARIO in ("connect", "race"):
        print("ready", flush=True)
    print(json.dumps(scenarios[SCENARIO]()), flush=True)
    time.sleep(60)


def be_peer():
    if SCENARIO == "connect":
        echo(datagrams((PEER, ECHO)))
    connections = [socket.create_connection((OWN, PORT)) for _ in range(CONNECTIONS)]
    if SCENARIO == "oneshot":
        socket.create_connection((OWN, CONTROL)).send(b"x")
    for connection in connections if SCENARIO == "nested" else []:
        connection.send(b"x")
        connection.recv(1)
    time.sleep(60)


serve() if ROLE == "server" else be_peer()
