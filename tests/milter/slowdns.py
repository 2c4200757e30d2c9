"""A slow name server: answers every question with "no such name" after `delay`
seconds, or when the event `delay` is set.  The answer may be cached for `ttl`
seconds.
"""

import socket
import struct
import threading
import time


SECONDS = 180  # longest wait for the event


class SlowDns:
    def __init__(self, delay, ttl=0):
        self.delay = delay
        self.ttl = ttl
        self.asked = 0
        self.questions = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
            except OSError:
                return
            self.asked += 1
            self.questions.add(question[12:])
            threading.Thread(target=self.answer, args=(question, client),
                             daemon=True).start()

    def answer(self, question, client):
        if isinstance(self.delay, threading.Event):
            self.delay.wait(SECONDS)
        else:
            time.sleep(self.delay)
        end = 12
        while question[end] != 0:
            end += 1 + question[end]
        # copy of the question; QR, RD, RA, NXDOMAIN; no EDNS
        reply = question[:2] + struct.pack(">HHHHH", 0x8183, 1, 0,
                                           self.ttl > 0, 0)
        reply += question[12:end + 5]
        if self.ttl > 0:  # the root's SOA (RFC 2308 section 3)
            reply += struct.pack(">BHHIHBBIIIII", 0, 6, 1, self.ttl, 22,
                                 0, 0, 1, 1, 1, 1, self.ttl)
        try:
            self.socket.sendto(reply, client)
        except OSError:
            pass

    def close(self):
        self.socket.close()
