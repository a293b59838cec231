"""A host with IPv6 that speaks memif version 2: MODE SOCKET ID MAC ADDRESS [TARGET].

serve: answers solicitations, pings, datagrams and connections, all with what it was sent.
ask: resolves TARGET and pings it; what came of it on standard output.
lie: says what is not its to say; "lied" on standard output.
"""
import array, ipaddress, mmap, os, select, signal, socket, struct, sys, time

SLOTS, BUFFER = 256, 2048
RING_SIZE = 128 + 16 * SLOTS
IPV6, ICMPV6, TCP, UDP = 0x86DD, 58, 6, 17
mode, path, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
own_mac = bytes.fromhex(sys.argv[4].replace(":", ""))
own = ipaddress.IPv6Address(sys.argv[5]).packed


class Link:
    """Both rings and the socket that keeps them."""

    def __init__(self):
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.connect(path)
        self.control.recv(128)
        size = 2 * RING_SIZE + 2 * SLOTS * BUFFER
        memory = os.memfd_create("memif", os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, size)
        self.region = mmap.mmap(memory, size)
        for ring in range(2):
            struct.pack_into("<IHH", self.region, ring * RING_SIZE, 0x3E31F20, 0, 0)
            for slot in range(SLOTS):
                self.describe(ring, slot, BUFFER)
        self.wakes = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2)]
        self.tell(3, struct.pack("<HIB24s32s", 0x0200, number, 0, b"", b"host"))
        self.tell(4, struct.pack("<HQ", 0, size), memory)
        for ring in range(2):
            body = struct.pack("<HHHIBH", 1 - ring, 0, 0, ring * RING_SIZE, SLOTS.bit_length() - 1, 0)
            self.tell(5, body, self.wakes[ring])
        self.tell(6, b"")
        self.sent = self.read = 0
        struct.pack_into("<H", self.region, RING_SIZE + 6, SLOTS)

    def tell(self, kind, body, *fds):
        data = (struct.pack("<H", kind) + body).ljust(128, b"\0")
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.control.sendmsg([data], rights)
        answer = self.control.recv(128)
        if not answer or answer[0] == 8:
            sys.exit("refused " + answer[6:].split(b"\0")[0].decode())

    def at(self, ring, slot):
        return 2 * RING_SIZE + (ring * SLOTS + slot) * BUFFER

    def describe(self, ring, slot, length):
        where = ring * RING_SIZE + 128 + 16 * slot
        struct.pack_into("<HHIII", self.region, where, 0, 0, length, self.at(ring, slot), 0)

    def word(self, at):
        return struct.unpack_from("<H", self.region, at)[0]

    def send(self, frame):
        while (self.sent - self.word(64)) & 0xFFFF >= SLOTS:
            time.sleep(0.001)
        slot = self.sent % SLOTS
        self.region[self.at(0, slot) : self.at(0, slot) + len(frame)] = frame
        self.describe(0, slot, len(frame))
        self.sent = (self.sent + 1) & 0xFFFF
        struct.pack_into("<H", self.region, 6, self.sent)
        if self.word(4) & 1 == 0:
            os.write(self.wakes[0], struct.pack("<Q", 1))

    def receive(self, seconds):
        """The frames that came, waiting for the first; none when ltran is gone or time is up."""
        select.select([self.wakes[1], self.control], [], [], seconds)
        try:
            os.read(self.wakes[1], 8)
        except BlockingIOError:
            pass
        frames = []
        while self.read != self.word(RING_SIZE + 64):
            slot = self.read % SLOTS
            length = struct.unpack_from("<I", self.region, RING_SIZE + 128 + 16 * slot + 4)[0]
            frames.append(bytes(self.region[self.at(1, slot) : self.at(1, slot) + length]))
            self.describe(1, slot, BUFFER)
            self.read = (self.read + 1) & 0xFFFF
        struct.pack_into("<H", self.region, RING_SIZE + 6, (self.read + SLOTS) & 0xFFFF)
        return frames


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data[: len(data) & ~1]))
    if len(data) & 1:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(mac, source, target, protocol, payload, at, hops=64):
    """A frame whose payload gets its checksum at an offset."""
    pseudo = source + target + struct.pack("!II", len(payload), protocol)
    payload = payload[:at] + b"\0\0" + payload[at + 2 :]
    payload = payload[:at] + struct.pack("!H", checksum(pseudo + payload) or 0xFFFF) + payload[at + 2 :]
    header = struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + source + target
    return mac + own_mac + struct.pack("!H", IPV6) + header + payload


def is_right(source, target, protocol, payload):
    return checksum(source + target + struct.pack("!II", len(payload), protocol) + payload) == 0


def neighbour(kind, mac, source, target, about, option_mac, flags=0):
    message = struct.pack("!BBHI", kind, 0, 0, flags << 24) + about
    if option_mac:
        message += bytes([1 if kind == 135 else 2, 1]) + option_mac
    return packet(mac, source, target, ICMPV6, message, 2, 255)


def solicit(about):
    group = ipaddress.IPv6Address("ff02::1:ff00:0").packed[:13] + about[13:]
    return neighbour(135, b"\x33\x33" + group[12:], own, group, about, own_mac)


class Connections:
    """TCP without losses: every byte is sent back, a FIN is answered with one."""

    def __init__(self):
        self.numbers = {}

    def take(self, mac, peer, segment):
        ports, sequence, _, offset, flags = struct.unpack("!IIIBB", segment[:14])
        data = segment[(offset >> 4) * 4 :]
        key = (peer, ports)
        if flags & 2:
            self.numbers[key] = 1000
        if flags & 4 or key not in self.numbers:
            self.numbers.pop(key, None)
            return None
        following = (sequence + len(data) + (flags & 1) + (flags >> 1 & 1)) & 0xFFFFFFFF
        if not data and not flags & 3:
            return None
        answer = 0x12 if flags & 2 else 0x18 | flags & 1
        swapped = (ports & 0xFFFF) << 16 | ports >> 16
        head = struct.pack("!IIIBBHHH", swapped, self.numbers[key], following, 5 << 4, answer, 65000, 0, 0)
        self.numbers[key] += len(data) + (flags & 1) + (flags >> 1 & 1)
        return packet(mac, own, peer, TCP, head + data, 16)


def respond(frame, connections):
    """What a host answers to a frame, or nothing."""
    if len(frame) < 54 or frame[12:14] != b"\x86\xdd":
        return None
    mac, peer, target, protocol = frame[6:12], frame[22:38], frame[38:54], frame[20]
    payload = frame[54 : 54 + struct.unpack_from("!H", frame, 18)[0]]
    if protocol == ICMPV6 and payload[0] == 135 and payload[8:24] == own:
        return neighbour(136, mac, own, peer, own, own_mac, 0x60) if any(peer) else None
    if target != own:
        return None
    if not is_right(peer, own, protocol, payload):
        print("wrong checksum", frame.hex(), flush=True)
        return None
    if protocol == ICMPV6 and payload[0] == 128:
        return packet(mac, own, peer, ICMPV6, b"\x81" + payload[1:], 2)
    if protocol == UDP:
        return packet(mac, own, peer, UDP, payload[2:4] + payload[0:2] + payload[4:], 6)
    return connections.take(mac, peer, payload) if protocol == TCP else None


def serve(link):
    link.send(neighbour(136, b"\x33\x33\0\0\0\1", own, ipaddress.IPv6Address("ff02::1").packed, own, own_mac, 0x20))
    connections = Connections()
    print("connected", flush=True)
    while True:
        frames = link.receive(60)
        if not frames and select.select([link.control], [], [], 0)[0]:
            return
        for frame in frames:
            answer = respond(frame, connections)
            if answer:
                link.send(answer)


def ask(link, target):
    link.send(solicit(target))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for frame in link.receive(1):
            if frame[20] == ICMPV6 and frame[54] == 136 and frame[62:78] == target:
                echo = struct.pack("!BBHHH", 128, 0, 0, 7, 1) + b"hello"
                link.send(packet(frame[80:86], own, target, ICMPV6, echo, 2))
            elif frame[20] == ICMPV6 and frame[54] == 129:
                print("answered by", frame[6:12].hex(":"), flush=True)
                return
    print("no answer", flush=True)


def lie(link, target):
    everyone = (b"\x33\x33\0\0\0\1", ipaddress.IPv6Address("ff02::1").packed)
    other = bytes.fromhex("026699999999")
    router = struct.pack("!BBHI", 134, 0, 0, 64 << 24 | 1800) + bytes(8)
    for _ in range(100):
        link.send(neighbour(136, everyone[0], own, everyone[1], target, own_mac, 0x20))
        link.send(neighbour(136, everyone[0], own, everyone[1], own, other, 0x20))
        link.send(packet(everyone[0], own, everyone[1], ICMPV6, router, 2, 255))
        link.send(packet(everyone[0], target, everyone[1], UDP, struct.pack("!HHHH", 1, 2, 12, 0) + b"data", 6))
    print("lied", flush=True)
    # Whoever ends is forgotten, with what was counted for it.
    signal.pause()


host = Link()
if mode == "serve":
    serve(host)
elif mode == "ask":
    ask(host, ipaddress.IPv6Address(sys.argv[6]).packed)
else:
    lie(host, ipaddress.IPv6Address(sys.argv[6]).packed)
