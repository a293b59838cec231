"""A VLAN interface in user space, for kernels without any: a TAP device whose frames are tagged on a link.

python3 vlan_interface.py LINK NAME VLAN
"""
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 2, 0x1000
ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
TP_STATUS_VLAN_VALID = 1 << 4
AUXDATA = struct.Struct("IIIHHHH")
FRAME_MAX = 65550
ADDRESSES = 12


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def open_link(name):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    link.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    link.bind((name, ETH_P_ALL))
    return link


def vlan_of(ancillary):
    """The VLAN of a received frame, whose tag the kernel has taken out; None: it had none."""
    for level, kind, data in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, control, _ = AUXDATA.unpack(data[: AUXDATA.size])
            if status & TP_STATUS_VLAN_VALID:
                return control & 0xFFF
    return None


def main():
    link_name, name, vlan = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tap, link = open_tap(name), open_link(link_name)
    print("ready", flush=True)
    tag = struct.pack("!HH", 0x8100, vlan)
    while True:
        readable, _, _ = select.select([tap, link], [], [])
        if tap in readable:
            frame = os.read(tap, FRAME_MAX)
            link.send(frame[:ADDRESSES] + tag + frame[ADDRESSES:])
        if link in readable:
            frame, ancillary, _, source = link.recvmsg(FRAME_MAX, 256)
            if source[2] != socket.PACKET_OUTGOING and vlan_of(ancillary) == vlan:
                try:
                    os.write(tap, frame)
                except OSError:
                    pass  # The interface is not up yet.


main()
