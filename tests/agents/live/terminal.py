# SPDX-License-Identifier: Apache-2.0
"""Plays the person in front of an agent's terminal: answers when it asks whether it may.

What stands on the screen is not known, only what was drawn since the last key; texts are drawn in
pieces, so that blanks may be missing between words.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

QUESTION_TIMEOUT_S = 30
END_TIMEOUT_S = 10
QUIET_S = 0.5  # nothing drawn for so long: the question is whole, keys are read
ROWS, COLUMNS = 40, 120
ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
                     rb"|\x1b[=>78()][AB0]?")
QUESTION = re.compile(rb"Would\s*you\s*like\s*to", re.I)
OTHER_MODEL = re.compile(rb"Use\s*existing\s*model", re.I)  # asked at the start, once
# What a terminal answers when it is asked about itself.
ANSWERS = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[c": b"\x1b[?62;c",
           b"\x1b]10;?": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
           b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\"}


class Terminal:
    """A pseudo terminal with one program; all that it draws goes to `log`."""

    def __init__(self, command, log, **popen):
        self.fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.log = log
        self.drawn = b""
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, **popen)
        os.close(slave)

    def read(self, timeout_s):
        """False: nothing was drawn."""
        if not select.select([self.fd], [], [], timeout_s)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            raise AssertionError("the agent has ended") from None
        self.log.write(data)
        self.drawn += data
        for asked, answer in ANSWERS.items():
            if asked in data:
                os.write(self.fd, answer)
        return True

    def shows(self, pattern):
        return pattern.search(ESCAPES.sub(b"", self.drawn)) is not None

    def wait_for(self, pattern):
        deadline = time.monotonic() + QUESTION_TIMEOUT_S
        while True:
            while self.read(QUIET_S):
                pass
            if self.shows(pattern):
                return
            assert time.monotonic() < deadline, f"never drawn: {pattern.pattern}"
            if self.shows(OTHER_MODEL):
                self.press("2")
                self.read(QUIET_S)
                self.press("\r")

    def press(self, key):
        self.drawn = b""
        os.write(self.fd, key.encode())

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)


def play(command, keys, delivered, log_path, **popen):
    """One key for each question.  It lives until `delivered()` comes back."""
    with open(log_path, "wb") as log:
        terminal = Terminal(command, log, **popen)
        try:
            for key in keys:
                terminal.wait_for(QUESTION)
                terminal.press(key)
            delivered()
        finally:
            terminal.close()
