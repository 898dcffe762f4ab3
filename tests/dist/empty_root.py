"""Runs a program where there is nothing but what a folder holds: no network but a loopback of its own, no other process, /proc and
/dev/null, and if that is wanted a kernel that knows no system call younger than Linux 4.18.

    empty_root.py ROOT [--kernel-4.18] [--read-only PATH] [--server COMMAND PIPE] -- COMMAND…
                                                                       inside `unshare --mount --net --pid --fork`

A server runs beside the program, which is started once the server has written into the named pipe. The variables of ENV_… in its own environment, without ENV_, are all of the program's environment."""

import ctypes
import errno
import fcntl
import os
import platform
import socket
import struct
import subprocess
import sys

# The last system call of Linux 4.18, rseq, by machine: what is above it came later.
LAST_CALL = {"x86_64": 334, "aarch64": 293}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_WORD, JUMP_GREATER, RETURN = 0x20, 0x25, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS
MS_REC_PRIVATE, MS_BIND, MS_REMOUNT_BIND_READ_ONLY = (1 << 14) | (1 << 18), 1 << 12, (1 << 5) | (1 << 12) | 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def mount(source, target, kind=None, flags=0):
    checked(libc.mount(source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), None), f"mount {target}")


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def refuse_young_calls():
    rows = [(LOAD_WORD, 0, 0, 0), (JUMP_GREATER, 0, 1, LAST_CALL[platform.machine()]), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
    program = struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code))
    checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(program), 0, 0), "a filter of system calls")


def enter(root, read_only):
    mount("none", "/", flags=MS_REC_PRIVATE)
    for folder in ("proc", "dev"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    mount("proc", f"{root}/proc", "proc")
    with open(f"{root}/dev/null", "a", encoding="utf-8"):
        pass
    mount("/dev/null", f"{root}/dev/null", flags=MS_BIND)
    for path in read_only:
        mount(root + path, root + path, flags=MS_BIND)
        mount("none", root + path, flags=MS_REMOUNT_BIND_READ_ONLY)
    loopback_up()
    os.chroot(root)
    os.chdir("/")


def start_server(words, pipe, environment):
    os.mkfifo(pipe)
    if os.fork() == 0:
        os.execve(words[0], words, environment)
    with open(pipe, "rb") as told:
        told.read()


def namespace_flags():
    """How `unshare` is allowed to make namespaces here; none, and why."""
    reasons = []
    kinds = ["--mount", "--net", "--pid", "--fork"]
    for flags in (kinds, ["--user", "--map-root-user", *kinds]):
        try:
            tried = subprocess.run(["unshare", *flags, "mount", "-t", "proc", "proc", "/proc"], capture_output=True, text=True,
                                   timeout=20, check=False)
        except OSError as error:
            reasons.append(str(error))
            continue
        if tried.returncode == 0:
            return flags, ""
        reasons.append(tried.stderr.strip())
    return None, "; ".join(reasons)


def command(flags, root, words, kernel_4_18=False, read_only=(), server=None, variables=None):
    """What to give to subprocess.run: its words and its environment."""
    options = ["--kernel-4.18"] if kernel_4_18 else []
    for path in read_only:
        options += ["--read-only", path]
    if server:
        options += ["--server", *server]
    environment = {"PATH": os.environ.get("PATH", ""), **{f"ENV_{name}": value for name, value in (variables or {}).items()}}
    return ["unshare", *flags, sys.executable, os.path.abspath(__file__), str(root), *options, "--", *words], environment


def main():
    arguments = sys.argv[1:]
    split = arguments.index("--")
    options, words = arguments[1:split], arguments[split + 1:]
    read_only = [path for option, path in zip(options, options[1:]) if option == "--read-only"]
    environment = {name.removeprefix("ENV_"): value for name, value in os.environ.items() if name.startswith("ENV_")}
    enter(arguments[0], read_only)
    if "--kernel-4.18" in options:
        refuse_young_calls()
    if "--server" in options:
        server, pipe = options[options.index("--server") + 1:][:2]
        start_server(server.split(), pipe, environment)
    os.execve(words[0], words, environment)


if __name__ == "__main__":
    main()
