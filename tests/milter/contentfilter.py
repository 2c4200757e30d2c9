"""A content filter, like amavis."""

import re
import socketserver
import threading

import smtp


class Filter:
    """A content filter, like amavis: it receives mail by SMTP, adds a field,
    and sends the mail back to port `back`."""

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text):
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self):
            sender, to = "", []
            self.say("220 filter")
            for line in self.rfile:
                text = line.decode("utf-8", "replace").strip()
                verb = text[:4].upper()
                if verb == "EHLO":
                    self.say("250-filter\r\n250-8BITMIME\r\n250 SMTPUTF8")
                elif verb == "MAIL":
                    sender, to = re.search("<(.*?)>", text).group(1), []
                    self.say("250 ok")
                elif verb == "RCPT":
                    to.append(re.search("<(.*?)>", text).group(1))
                    self.say("250 ok")
                elif verb == "DATA":
                    self.say("354 go on")
                    self.say(self.pass_back(sender, to[0], self.content()))
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def content(self):
            lines = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                lines.append(line[1:] if line.startswith(b".") else line)
            return b"".join(lines)

        def pass_back(self, sender, to, message):
            c = smtp.Client(self.server.back)
            c.need("EHLO filter.example", 250)
            if self.server.command:
                c.command(self.server.command)
                if self.server.command.startswith("XCLIENT"):
                    c.need("EHLO filter.example", 250)
            reply = c.message(sender, to, b"X-Filtered: yes\r\n" + message)
            c.quit()
            return str(reply)

    def __init__(self, back):
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self.server = socketserver.ThreadingTCPServer(
            ("127.0.0.1", 0), Filter.Handler)
        self.server.daemon_threads = True
        self.server.back = back
        # a command to send before MAIL: XFORWARD or XCLIENT
        self.server.command = None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
