"""The MTA's side of the milter protocol, version 6: sends any event in any
order.
"""

import socket
import struct

SECONDS = 180

ADD_HEADERS, CHANGE_HEADERS, QUARANTINE = 0x01, 0x10, 0x20
SET_SYMBOLS = 0x100
ALL_ACTIONS = 0x1ff

NO_REPLY = 0x0ff080  # all SMFIP_NR_*
SKIP, LEADING_SPACE = 0x400, 0x100000
ALL_STEPS = 0x1fffff

# event letter -> flag that says that the event gets no reply
_NO_REPLY = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000,
             "T": 0x10000, "U": 0x20000, "N": 0x40000, "B": 0x80000,
             "L": 0x80}


class Changes:
    """The changes and the reply of a milter for one message."""

    def __init__(self):
        self.reply = None   # the last letter: c, a, r, t, y, d, s
        self.text = ""      # text of a reply with a code
        self.inserted = []  # (index, name, value)
        self.removed = []   # (name, index), in order
        self.quarantined = None


class Milter:
    def __init__(self, where, actions=ALL_ACTIONS, steps=ALL_STEPS,
                 negotiate=True, version=6):
        if isinstance(where, str):
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(SECONDS)
        self.socket.connect(where if isinstance(where, str)
                            else ("127.0.0.1", where))
        self.file = self.socket.makefile("rb")
        self.skipped = False
        self.steps = 0
        if negotiate:
            self.packet("O", struct.pack(">III", version, actions, steps))
            letter, data = self.read()
            assert letter == "O", letter
            _, self.actions, self.steps = struct.unpack(">III", data[:12])
            self.symbols = data[12:]

    def packet(self, letter, data=b""):
        self.socket.sendall(
            struct.pack(">I", len(data) + 1) + letter.encode() + data)

    def read(self):
        head = self.file.read(5)
        if len(head) < 5:
            raise ConnectionError("the milter hung up")
        size = struct.unpack(">I", head[:4])[0]
        return chr(head[4]), self.file.read(size - 1)

    def event(self, letter, data=b""):
        """Sends an event and returns the reply, or None if no reply is due."""
        self.packet(letter, data)
        if self.steps & _NO_REPLY.get(letter, 0):
            return None
        return self.read()

    def macros(self, letter, **values):
        """Sends macros: one-letter names without braces, the others with
        braces."""
        data = b"".join(
            (k if len(k) == 1 else "{%s}" % k).encode() + b"\0" +
            v.encode() + b"\0" for k, v in values.items())
        self.packet("D", letter.encode() + data)

    # ---- events, in their usual order ----

    def connect(self, address="192.0.2.10", name="client.example.org",
                mta="mx.example.net", **macros):
        self.macros("C", j=mta, **macros)
        family = b"6" if address and ":" in address else b"4"
        if address is None:  # "unknown", which no RFC defines
            return self.event("C", name.encode() + b"\0U")
        return self.event("C", name.encode() + b"\0" + family +
                          struct.pack(">H", 25) + address.encode() + b"\0")

    def connect_unix(self, path="/run/x", name="localhost"):
        return self.event("C", name.encode() + b"\0L" + b"\0\0" +
                          path.encode() + b"\0")

    def helo(self, name="mail.example.org"):
        return self.event("H", name.encode() + b"\0")

    def mail(self, sender="a@example.org", **macros):
        if macros:
            self.macros("M", **macros)
        return self.event("M", b"<%s>\0" % sender.encode())

    def rcpt(self, recipient="b@example.net"):
        return self.event("R", b"<%s>\0" % recipient.encode())

    def header(self, name, value):
        """Sends a field; `value` is the text after the colon, with LF instead
        of CRLF inside."""
        if isinstance(name, str):
            name = name.encode()
        if not self.steps & LEADING_SPACE and value[:1] == b" ":
            value = value[1:]
        return self.event("L", name + b"\0" + value + b"\0")

    def headers_end(self):
        return self.event("N")

    def body(self, chunk):
        """Sends a chunk of the body.  Returns False if the milter wants no
        more."""
        reply = self.event("B", chunk)
        self.skipped = reply is not None and reply[0] == "s"
        return not self.skipped

    def end(self, queue_id="4Test"):
        """Ends the message and returns Changes."""
        self.macros("E", i=queue_id)
        self.packet("E")
        out = Changes()
        while out.reply is None:
            letter, data = self.read()
            if letter == "i":
                name, value = data[4:].split(b"\0")[:2]
                out.inserted.append((struct.unpack(">I", data[:4])[0],
                                     name.decode(), value.decode()))
            elif letter == "m":
                name, value = data[4:].split(b"\0")[:2]
                assert value == b"", "a field was changed, not removed"
                out.removed.append((name.decode(),
                                    struct.unpack(">I", data[:4])[0]))
            elif letter == "q":
                out.quarantined = data.rstrip(b"\0").decode()
            elif letter == "y":
                out.reply, out.text = letter, data.rstrip(b"\0").decode()
            elif letter != "p":
                out.reply = letter
        return out

    def abort(self):
        self.packet("A")

    def message(self, message, sender="a@example.org",
                recipient="b@example.net", chunk=65535, **macros):
        """Sends a message, from MAIL to the end."""
        self.mail(sender, **macros)
        self.rcpt(recipient)
        head, _, body = message.partition(b"\r\n\r\n")
        lines = head.replace(b"\r\n", b"\n").split(b"\n")
        fields = []
        for line in lines:
            if line[:1] in (b" ", b"\t"):
                fields[-1] += b"\n" + line
            else:
                fields.append(line)
        for field in fields:
            name, _, value = field.partition(b":")
            self.header(name, value)
        self.headers_end()
        while body and self.body(body[:chunk]):
            body = body[chunk:]
        return self.end()

    def quit(self):
        self.packet("Q")
        self.close()

    def quit_new_connection(self):
        self.packet("K")

    def close(self):
        self.file.close()
        self.socket.close()
