"""Hosts that share a machine and nothing of its network: network namespaces, joined by a veth pair, as far as that is allowed.
A namespace lives as long as a process of its own that ends with this program, so that nothing is left however it ends."""

import array
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
CLIENT_LINK = "client0"
SKIPPED = 77
INSIDE = "ASSAY_TEST_NAMESPACE"


def enter_namespace():
    """Starts this program again in a network namespace of its own, as root or in a user namespace. Ends it where that is
    not allowed."""
    if os.environ.get(INSIDE):
        return
    reasons = []
    for flags in (["--net"], ["--user", "--map-root-user", "--net"]):
        try:
            tried = subprocess.run(["unshare", *flags, "ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1"],
                                   capture_output=True, text=True, timeout=20)
        except OSError as error:
            reasons.append(str(error))
            continue
        if tried.returncode == 0:
            os.environ[INSIDE] = "1"
            sys.stdout.flush()
            os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
        reasons.append(tried.stderr.strip())
    print("skipped: network namespaces and veth pairs are not allowed here (CAP_NET_ADMIN, or user namespaces): " +
          "; ".join(reasons))
    sys.exit(SKIPPED)


def run(*words):
    subprocess.run(words, check=True, timeout=20)


class Host:
    """A further namespace."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdin.write(b"\n")
        self.holder.stdin.flush()
        self.holder.stdout.read(1)  # by now it is in its namespace
        run(*self.command("ip", "link", "set", "lo", "up"))

    def command(self, *words):
        return ["nsenter", "--target", str(self.holder.pid), "--net", *words]

    def take(self, link, address=None):
        run("ip", "link", "set", link, "netns", str(self.holder.pid))
        if address:
            run(*self.command("ip", "address", "add", address + "/24", "dev", link))
        run(*self.command("ip", "link", "set", link, "up"))

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()


def send_whole_packets(link):
    """Packets as they would be on a wire: with checksums, and none longer than the link allows."""
    set_checksums, set_tso, set_gso, siocethtool = 0x17, 0x1F, 0x24, 0x8946  # linux/ethtool.h, linux/sockios.h
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (set_checksums, set_tso, set_gso):
            value = array.array("I", [command, 0])
            fcntl.ioctl(any_socket, siocethtool, struct.pack("16sP16x", link.encode(), value.buffer_info()[0]))


LINKS = ("veth", "netem", "line")


@contextlib.contextmanager
def server_host(link, delay_ms=0):
    """A host at SERVER that this namespace, at CLIENT, reaches over CLIENT_LINK; what it sends comes `delay_ms` later. The link
    is one of LINKS: `veth`, a pair and nothing else; `netem`, one that the kernel delays; `line`, two pairs with a delay_line.py
    between them, whose packets come into the client's end from a program, as from a driver, and not out of the server's TCP."""
    run("ip", "link", "set", "lo", "up")
    with contextlib.ExitStack() as cleanup:
        server = Host()
        cleanup.callback(server.close)
        if link == "line":
            lay_line(server, delay_ms, cleanup)
        else:
            run("ip", "link", "add", CLIENT_LINK, "type", "veth", "peer", "name", "server0")
            cleanup.callback(run, "ip", "link", "delete", CLIENT_LINK)
            server.take("server0", SERVER)
            if link == "netem":
                run(*server.command("tc", "qdisc", "add", "dev", "server0", "root", "netem", "delay", f"{delay_ms}ms"))
        run("ip", "address", "add", CLIENT + "/24", "dev", CLIENT_LINK)
        run("ip", "link", "set", CLIENT_LINK, "up")
        yield server


def lay_line(server, delay_ms, cleanup):
    between = Host()
    cleanup.callback(between.close)
    for end, peer in ((CLIENT_LINK, "line0"), ("server0", "line1")):
        run("ip", "link", "add", end, "type", "veth", "peer", "name", peer)
        send_whole_packets(end)
        between.take(peer)
    cleanup.callback(run, "ip", "link", "delete", CLIENT_LINK)
    server.take("server0", SERVER)
    line = subprocess.Popen(between.command(sys.executable, str(Path(__file__).parent / "delay_line.py"), "line0", "line1",
                                            str(delay_ms)), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    cleanup.callback(line.wait)
    cleanup.callback(line.stdin.close)
    line.stdout.readline()


def has_netem():
    """Whether this kernel can delay packets by itself."""
    on_loopback = ("dev", "lo", "root", "netem")
    if subprocess.run(["tc", "qdisc", "add", *on_loopback, "delay", "0ms"], capture_output=True, timeout=20).returncode != 0:
        return False
    run("tc", "qdisc", "del", *on_loopback)
    return True
