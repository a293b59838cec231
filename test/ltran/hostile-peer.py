# A client of ltran that talks to a victim until they are introduced, and then does to the ring what its
# arguments say. Prints "introduced", then "done".
import array, fcntl, json, mmap, os, random, select, signal, socket, struct, sys, time

F_ADD_SEALS, SHRINK, GROW = 1033, 2, 4
HEAD, TAIL, DESCRIPTORS, SLOT = 6, 64, 128, 16
BUFFERS, STRIDE = 20480, 2112
order = json.loads(sys.argv[1])
slots, size = order["slots"], order["regionSize"]
put_ring = DESCRIPTORS + SLOT * slots


def region(seals=SHRINK | GROW, length=size):
    fd = os.memfd_create("ring", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.posix_fallocate(fd, 0, length)
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    memory = mmap.mmap(fd, length)
    for ring in (0, put_ring):
        if length > 32768:
            struct.pack_into("<I", memory, ring, 0x3E31F20)
    return fd, memory


def send(connection, message, fds):
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    connection.sendmsg([message], ancillary)


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def question(source, destination):
    """An ICMP echo request, for which ltran needs no socket."""
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 36, 1, 0, 64, 1, 0, socket.inet_aton(source),
                         socket.inet_aton(destination))
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    echo = struct.pack(">BBHHH8x", 8, 0, 0, 1, 1)
    echo = echo[:2] + struct.pack(">H", checksum(echo)) + echo[4:]
    mac = bytes.fromhex(order["mac"])
    return mac + mac + b"\x08\x00" + header + echo


class Producer:
    """Puts frames into a ring, as its client (at head) or its server (at tail)."""

    def __init__(self, memory, ring, word):
        self.memory, self.ring, self.word, self.next = memory, ring, word, 0

    def put(self, frame):
        at = self.ring + DESCRIPTORS + SLOT * (self.next % slots)
        if self.word == HEAD:
            offset = BUFFERS + STRIDE * (self.next % slots)
            struct.pack_into("<HHII", self.memory, at, 0, 0, len(frame), offset)
        else:
            offset = struct.unpack_from("<I", self.memory, at + 8)[0]
            struct.pack_into("<HHI", self.memory, at, 0, 0, len(frame))
        self.memory[offset : offset + len(frame)] = frame
        self.next = (self.next + 1) & 0xFFFF
        struct.pack_into("<H", self.memory, self.ring + self.word, self.next)


def register():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(10)
    connection.connect(order["path"])
    fd, memory = region()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    wake = os.eventfd(0)
    send(connection, bytes.fromhex(order["message"]), [fd, theirs.fileno(), wake])
    reply = connection.recv(1024)
    if len(reply) > 100:
        sys.exit(reply[16:].decode())
    return connection, memory, wake, (ours, theirs)


def introduced(connection, memory, wake):
    """Talks to the victim until ltran says something; what it said, with its descriptors."""
    producer = Producer(memory, 0, HEAD)
    ready = select.poll()
    ready.register(connection, select.POLLIN)
    while not ready.poll(2):
        producer.put(question(order["address"], order["victim"]))
        os.eventfd_write(wake, 1)
    message, ancillary, _, _ = connection.recvmsg(1024, 1024)
    fds = array.array("i")
    for _, _, data in ancillary:
        fds.frombytes(data[: len(data) - len(data) % 4])
    return bytearray(message), list(fds)


def answer(message, kind):
    struct.pack_into("<H", message, 6, kind)
    return message


def offer(connection, message, how):
    """Offers a ring: sound, or with something wrong about it."""
    length = {"small": size - 4096}.get(how, size)
    fd, memory = region(0 if how == "unsealed" else SHRINK | GROW, length)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    wake = os.eventfd(0) if how == "eventfd" else theirs.fileno()
    if how == "file":
        fd = os.open("/proc/self/exe", os.O_RDONLY)
    struct.pack_into("<II", message, 52, slots, 2048)
    struct.pack_into("<Q", message, 64, size)
    send(connection, answer(message, order["offered"]), [fd, wake])
    theirs.close()
    return memory, ours


def trouble(memory, kick, how, makes):
    """Until the victim hangs up, three seconds at most."""
    kick.settimeout(0.001)
    end = time.monotonic() + 3
    producer = Producer(memory, 0 if makes else put_ring, HEAD if makes else TAIL)
    while time.monotonic() < end:
        if how == "forge":
            producer.put(question("10.77.0.2", order["victim"]))
            producer.put(question(order["address"], "10.77.0.9"))
            producer.put(os.urandom(60))
        else:
            # Often enough that the few words which mean most are hit.
            for _ in range(200):
                at = random.choice((0, put_ring)) + random.randrange(0, DESCRIPTORS + SLOT * slots - 8)
                memory[at : at + 8] = os.urandom(8)
        try:
            kick.send(b"x" * (4096 if how == "flood" else 1), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            if kick.recv(4096) == b"":
                break
        except (BlockingIOError, socket.timeout, TimeoutError):
            continue
        except OSError:
            break


def main():
    connection, memory, wake, kept = register()
    message, fds = introduced(connection, memory, wake)
    makes = struct.unpack_from("<H", message, 6)[0] == order["offer"]
    print("introduced", "maker" if makes else "attacher", flush=True)
    how = order["how"]
    if makes:
        ring, kick = offer(connection, message, how)
        # The victim attaches meanwhile, unless what it is offered is wrong.
        time.sleep(0.5)
        if how not in ("small", "unsealed", "file", "eventfd"):
            trouble(ring, kick, how, True)
    else:
        ring, kick = mmap.mmap(fds[0], size), socket.socket(fileno=fds[1])
        connection.send(answer(message, order["attached"]))
        # The victim hears of it from ltran; a ring that is broken before is never opened.
        time.sleep(0.5)
        trouble(ring, kick, how, False)
    print("done", flush=True)
    signal.pause()


main()
