"""A cable with a delay, where the kernel has no netem: delay_line.py A B MS passes frames from interface A to B at once, and
from B to A not before MS later. Prints a line when it is ready; ends with its standard input."""

import collections
import select
import socket
import sys
import time

ALL_PROTOCOLS = 0x0003  # ETH_P_ALL
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_RCVBUFFORCE, ROOM_BYTES = 33, 64 << 20  # for as long as this process is kept from running
FRAME_BYTES = 1 << 16


def opened(interface):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    try:
        end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM_BYTES)
    except PermissionError:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)  # as much as one may
    end.bind((interface, ALL_PROTOCOLS))
    end.setblocking(False)
    return end


def frames(end):
    while True:
        try:
            yield end.recv(FRAME_BYTES)
        except BlockingIOError:
            return


def main():
    near, far = opened(sys.argv[1]), opened(sys.argv[2])
    delay_s = float(sys.argv[3]) / 1000
    under_way = collections.deque()
    print("ready", flush=True)
    while True:
        wait_s = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        ready, _, _ = select.select([near, far, sys.stdin], [], [], wait_s)
        if sys.stdin in ready:
            return
        for frame in frames(near):
            far.send(frame)
        for frame in frames(far):
            under_way.append((time.monotonic() + delay_s, frame))
        while under_way and under_way[0][0] <= time.monotonic():
            near.send(under_way.popleft()[1])


if __name__ == "__main__":
    main()
