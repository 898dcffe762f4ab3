"""From packets to what an HTTP client reads: Ethernet, IPv4, TCP, HTTP/1.1, server-sent events, each with the instants of the
packets that brought it. Written for this test alone and from the standards: it shares no line with the program that it checks."""

import json
from dataclasses import dataclass, field

import capture

SYN, ACK = 0x02, 0x10


@dataclass
class Segment:
    at_ns: int
    has_left: bool
    client_port: int
    sequence: int
    acknowledged: int
    is_syn: bool
    is_ack: bool
    payload: bytes

    @property
    def end(self):  # a SYN takes a number as a byte does (RFC 9293, section 3.4)
        return (self.sequence + len(self.payload) + self.is_syn) % (1 << 32)


def segments(path, server):
    """TCP segments from and to the IPv4 address `server`, in the order of the capture."""
    address = bytes(int(part) for part in server.split("."))
    data, at = path.read_bytes(), 0
    while at < len(data):
        at_ns, has_left, size = capture.PACKET.unpack_from(data, at)
        at += capture.PACKET.size
        frame = data[at:at + size]
        at += size
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        packet = frame[14:14 + int.from_bytes(frame[16:18], "big")]
        if address not in (packet[12:16], packet[16:20]):
            continue
        tcp = packet[4 * (packet[0] & 15):]
        number = lambda begin, end: int.from_bytes(tcp[begin:end], "big")
        yield Segment(at_ns, bool(has_left), number(0, 2) if has_left else number(2, 4), number(4, 8), number(8, 12),
                      bool(tcp[13] & SYN), bool(tcp[13] & ACK), bytes(tcp[4 * (tcp[12] >> 4):]))


@dataclass
class Direction:
    """The bytes that went one way, and when each of them was there."""
    next: int = None  # sequence number behind what is there
    bytes: bytearray = field(default_factory=bytearray)
    ends: list = field(default_factory=list)  # of each segment: offset behind it, instant
    early: dict = field(default_factory=dict)
    repeated: int = 0
    disordered_ns: list = field(default_factory=list)  # when something came that was not the next

    def take(self, segment):
        if segment.is_syn:
            self.next = segment.end
            return
        if not segment.payload or self.next is None:
            return
        if segment.sequence != self.next:
            self.disordered_ns.append(segment.at_ns)
        self.early.setdefault(segment.sequence, segment)
        while self.next in self.early:
            now = self.early.pop(self.next)
            self.next = now.end
            self.bytes += now.payload
            self.ends.append((len(self.bytes), now.at_ns))
        behind = [number for number in self.early if (self.next - number) % (1 << 32) < 1 << 31]
        self.repeated += len(behind)
        for number in behind:
            del self.early[number]

    def at_ns(self, offset):
        """When the byte at `offset` was there."""
        low, high = 0, len(self.ends) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.ends[middle][0] > offset else (middle + 1, high)
        return self.ends[low][1]


@dataclass
class Connection:
    opened_ns: int
    sent: Direction = field(default_factory=Direction)
    came: Direction = field(default_factory=Direction)
    unanswered: list = field(default_factory=list)  # (sequence behind a segment, instant)
    round_trips_ns: list = field(default_factory=list)  # from a segment that left to its acknowledgement

    def take(self, segment):
        (self.sent if segment.has_left else self.came).take(segment)
        if segment.has_left and (segment.payload or segment.is_syn):
            self.unanswered.append((segment.end, segment.at_ns))
        elif not segment.has_left and segment.is_ack:
            while self.unanswered and (segment.acknowledged - self.unanswered[0][0]) % (1 << 32) < 1 << 31:
                self.round_trips_ns.append(segment.at_ns - self.unanswered.pop(0)[1])


def connections(path, server):
    by_port, every = {}, []
    for segment in segments(path, server):
        if segment.is_syn and segment.has_left:
            by_port[segment.client_port] = Connection(segment.at_ns)
            every.append(by_port[segment.client_port])
        if segment.client_port in by_port:
            by_port[segment.client_port].take(segment)
    return every


def head_at(data, at):
    """The start line and the fields of the message that begins at `at`, and where its body begins; None: not all there."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        return None
    lines = data[at:end].decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return lines[0], fields, end + 4


@dataclass
class Message:
    fields: dict
    begin: int  # offsets within the direction
    end: int
    body: bytes
    places: list  # of pieces of the body: where it begins within it, and its offset within the direction

    def offset(self, within):
        """Of the byte of the body at `within`."""
        begin, offset = max(place for place in self.places if place[0] <= within)
        return offset + within - begin


def messages(data):
    at = 0
    while (head := head_at(data, at)) is not None:
        begin = at
        _, fields, at = head
        body, places = b"", []
        if fields.get("transfer-encoding", "").lower() == "chunked":
            while (line := data.find(b"\r\n", at)) >= 0:
                size = int(data[at:line].split(b";")[0], 16)
                at = line + 2
                places.append((len(body), at))
                body += data[at:at + size]
                at += size + 2
                if size == 0:
                    break
        else:
            size = int(fields.get("content-length", "0"))
            places.append((0, at))
            body = bytes(data[at:at + size])
            at += size
        yield Message(fields, begin, at, bytes(body), places)


def content_ends(message):
    """Offsets, within the direction, of the last byte of each event that brings output."""
    at = 0
    while (end := message.body.find(b"\n\n", at)) >= 0:
        event, at = message.body[at:end], end + 2
        if not event.startswith(b"data: ") or event == b"data: [DONE]":
            continue
        choices = json.loads(event[6:]).get("choices") or []
        if any((choice.get("delta") or {}).get("content") for choice in choices):
            yield message.offset(end + 1)


@dataclass
class Exchange:
    """A request and its answer, as they were on the wire."""
    request_id: str
    request_begin_ns: int  # the packet with its first byte left
    request_end_ns: int    # that with its last one
    content_ns: list       # arrival of the packet that completes each event with output
    in_order: bool         # nothing of the answer was lost, repeated or overtaken on the way


def exchanges(connection):
    answers = messages(connection.came.bytes)
    for request in messages(connection.sent.bytes):
        answer = next(answers, None)
        ends = [] if answer is None else list(content_ends(answer))
        begin_ns = connection.sent.at_ns(request.begin)
        end_ns = connection.came.at_ns(answer.end - 1) if answer else begin_ns
        in_order = not any(begin_ns <= at_ns <= end_ns for at_ns in connection.came.disordered_ns)
        yield Exchange(request.fields.get("x-request-id", ""), begin_ns, connection.sent.at_ns(request.end - 1),
                       [connection.came.at_ns(end) for end in ends], in_order)
