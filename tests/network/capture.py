"""Every packet of an interface with the kernel's stamp: capture.py INTERFACE FILE. Prints a line when it captures; when its
standard input ends it writes FILE and prints how many packets there were and how many the kernel had no room for. Stamps are
CLOCK_REALTIME, as the kernel gives them, and are written as CLOCK_MONOTONIC by readings of both clocks of its own."""

import bisect
import json
import select
import socket
import struct
import sys
import time

ALL_PROTOCOLS = 0x0003  # ETH_P_ALL
SOL_PACKET, PACKET_STATISTICS, PACKET_OUTGOING = 263, 6, 4
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
ROOM_BYTES = 256 << 20  # for as long as this process is kept from running
FRAME_BYTES = 1 << 17
READ_CLOCKS_EVERY_NS = 20_000_000
PACKET = struct.Struct("<qBI")  # instant, whether it left, length


def opened(interface):
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    try:
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM_BYTES)
    except PermissionError:
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)  # as much as one may
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.bind((interface, ALL_PROTOCOLS))
    tap.setblocking(False)
    return tap


def read_clocks():
    """The wall clock, and how far it lies before the monotonic one: the narrowest of five readings."""
    readings = []
    for _ in range(5):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        wall = time.clock_gettime_ns(time.CLOCK_REALTIME)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        readings.append((after - before, wall, (before + after) // 2 - wall))
    return min(readings)[1:]


def to_monotonic(wall, readings):
    after = min(max(1, bisect.bisect(readings, (wall,))), len(readings) - 1)
    (wall0, offset0), (wall1, offset1) = readings[after - 1], readings[after]
    return wall + offset0 + (offset1 - offset0) * (wall - wall0) // (wall1 - wall0)


def stamped_packets(tap, packets):
    while True:
        try:
            frame, told, _, address = tap.recvmsg(FRAME_BYTES, 128)
        except BlockingIOError:
            return
        for level, kind, data in told:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", data)
                packets.append((seconds * 1_000_000_000 + nanoseconds, address[2] == PACKET_OUTGOING, frame))


def main():
    tap = opened(sys.argv[1])
    packets, readings = [], [read_clocks()]
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([tap, sys.stdin], [], [], READ_CLOCKS_EVERY_NS / 1e9)
        stamped_packets(tap, packets)
        if time.clock_gettime_ns(time.CLOCK_REALTIME) > readings[-1][0] + READ_CLOCKS_EVERY_NS:
            readings.append(read_clocks())
        if sys.stdin in ready:
            break
    stamped_packets(tap, packets)
    time.sleep(0.001)
    readings.append(read_clocks())
    with open(sys.argv[2], "wb") as file:
        for wall, has_left, frame in packets:
            file.write(PACKET.pack(to_monotonic(wall, readings), has_left, len(frame)) + frame)
    seen, lost = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    print(json.dumps({"packets": seen, "lost": lost}), flush=True)


if __name__ == "__main__":
    main()
