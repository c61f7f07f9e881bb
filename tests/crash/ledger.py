# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged, what arrived where, and whether that is what was promised.

An id is a producer's name and a number, `u0-17`.  What happened to the ids of one destination is
a byte of flags for each (Tally), so that millions of them fit into memory.

The sink's ledger is a text, synced before the sink answers; a line without its final " ." was torn
by the sink's death, so that nothing of it was answered:

    B TIME                  the sink begins
    Q N TIME LIFE RUN...    request N came in the daemon's life LIFE, and its records are kept
    R N TIME LIFE RUN...    its records were judged bad: not kept
    U N TIME LIFE           nothing of it was kept, for now
    P N TIME LIFE RUN...    they were refused inside an accepted request: not kept
    A N TIME                request N was answered OK, with time to spare
    X TIME                  connections were cut: who heard an answer about now is not certain
    F TIME KIND             a fault was done

A run is `u0-17+3`: u0-17, u0-18 and u0-19.  Times are CLOCK_MONOTONIC of this machine.
"""

import array
import bisect
import collections

SEEN, LETTER, REFUSED, REJECTED = 1, 2, 4, 8
SAFE = SEEN | LETTER | REFUSED
EXAMPLES_MAX = 10
NOT_YET = 0

SAVE_INTERVAL_S = 0.2  # the cursor is saved at most this often: docs/DELIVERY.md, "After a crash"
STALL_S = 0.3  # an answer may be so long on its way
# Requests that may be settled, or under way, behind one that is not: two for each lane.
AHEAD_MAX = 8
UNCERTAIN_BEFORE_S = 1.0
UNCERTAIN_AFTER_S = 0.5


def split_id(text):
    name, _, number = text.rpartition("-")
    return name, int(number)


def to_runs(ids):
    """ids as runs, in their order."""
    runs = []
    for text in ids:
        name, number = split_id(text)
        if runs and runs[-1][0] == name and runs[-1][1] + runs[-1][2] == number:
            runs[-1][2] += 1
        else:
            runs.append([name, number, 1])
    return [f"{name}-{first}+{count}" for name, first, count in runs]


def of_runs(runs):
    """(name, number) of each id of the runs."""
    for run in runs:
        name, _, rest = run.rpartition("-")
        first, _, count = rest.partition("+")
        for number in range(int(first), int(first) + int(count)):
            yield name, number


class Findings(collections.Counter):
    """How often each promise was broken, with a few examples of each."""

    def __init__(self):
        super().__init__()
        self.examples = collections.defaultdict(list)

    def add(self, kind, example, count=1):
        self[kind] += count
        if len(self.examples[kind]) < EXAMPLES_MAX:
            self.examples[kind].append(example)


class Tally:
    """Flags of every id at one destination."""

    def __init__(self):
        self.flags = {}

    def mark(self, name, number, flag):
        """Gives back the flags before."""
        flags = self.flags.setdefault(name, bytearray())
        if number >= len(flags):
            flags.extend(bytes(max(number + 1, 2 * len(flags)) - len(flags)))
        before = flags[number]
        flags[number] = before | flag
        return before

    def count(self, flag):
        return sum(value & flag != 0 for flags in self.flags.values() for value in flags)

    def missing(self, acked, wanted=SAFE):
        """The acknowledged ids that have none of the flags `wanted`; `acked`: as Acks.names."""
        for name, numbers in acked.items():
            flags = self.flags.get(name, b"")
            for number, is_acked in enumerate(numbers):
                if is_acked and not (number < len(flags) and flags[number] & wanted):
                    yield f"{name}-{number}"

    def made_up(self, sent):
        """Ids that nobody sent; `sent`: how many each producer sent, numbered from 1."""
        for name, flags in self.flags.items():
            for number, value in enumerate(flags):
                if value and not 1 <= number <= sent.get(name, 0):
                    yield f"{name}-{number}"


class FileTally(Tally):
    """Local files: each record stands there once."""

    def __init__(self, findings):
        super().__init__()
        self.findings = findings

    def add(self, text):
        if self.mark(*split_id(text), SEEN):
            self.findings.add("twice in the files", text)


class Life:
    """One life of the daemon, as the loop knows it."""

    def __init__(self):
        self.end = float("inf")
        self.clean = False  # SIGTERM and exit code 0
        self.may_save = True  # the disk took what the daemon wrote


class _Request:
    """What is known of a request's fate."""

    def __init__(self, life, incarnation, number):
        self.life = life
        self.sent_order = (life, incarnation, number)
        self.confirmed = None  # when the daemon was told, if that is certain
        self.free = None  # when the cursor could pass it, once that has been asked for


class SinkTally(Tally):
    """Reads the ledger of a sink line by line and judges every repetition."""

    def __init__(self, lives, findings):
        super().__init__()
        self.lives = lives  # by number; grows while the loop runs
        self.findings = findings
        self.requests = []  # of all the sink's lives
        self.incarnation = 0  # the sink's present life
        self.by_number = {}  # of that
        self.latest = {}  # producer -> the request in which each id came last, 1 is the first
        self.confirmed = collections.defaultdict(list)  # life -> times, rising
        self.of_life = collections.defaultdict(list)  # life -> its requests
        self.disturbed = set()  # lives in which connections were cut
        self.last_life = 0
        self.recent = collections.deque()
        self.uncertain_until = 0.0
        self.last_time = 0.0
        self.faults = collections.Counter()
        self.arrivals = 0
        self.repeats = 0

    def read(self, lines):
        for line in lines:
            words = line.split()
            if words and words[-1] == ".":
                getattr(self, "_read_" + words[0])(*words[1:-1])

    def _read_B(self, time):
        self.incarnation += 1
        self.by_number = {}
        self._doubt(self.last_time)
        self.last_time = float(time)

    def _read_X(self, time):
        self._doubt(float(time))

    def _read_F(self, time, kind):
        self.faults[kind] += 1
        self.last_time = max(self.last_time, float(time))

    def _doubt(self, time):
        """Answers of about this time may not have been heard."""
        self.disturbed.add(self.last_life)
        self.uncertain_until = max(self.uncertain_until, time + UNCERTAIN_AFTER_S)
        while self.recent and self.recent[-1].confirmed > time - UNCERTAIN_BEFORE_S:
            request = self.recent.pop()
            request.confirmed = None
            self.confirmed[request.life].pop()

    def _new_request(self, number, time, life):
        self.last_time = max(self.last_time, float(time))
        self.last_life = max(self.last_life, int(life))
        request = _Request(int(life), self.incarnation, int(number))
        self.of_life[request.life].append(request)
        return request

    def _read_U(self, number, time, life):
        self._new_request(number, time, life)

    def _read_Q(self, number, time, life, *runs):
        request = self.by_number[number] = self._new_request(number, time, life)
        self.requests.append(request)
        for name, n in of_runs(runs):
            self.arrivals += 1
            latest = self.latest.setdefault(name, array.array("I"))
            if n >= len(latest):
                latest.extend([NOT_YET] * (max(n + 1, 2 * len(latest)) - len(latest)))
            if self.mark(name, n, SEEN) & SEEN:
                self.repeats += 1
                before = self.requests[latest[n] - 1]
                if before.sent_order > request.sent_order:
                    continue  # the sink took long over it: it was sent before the other one
                self._judge(f"{name}-{n}", before, request)
            latest[n] = len(self.requests)

    def _read_R(self, number, time, life, *runs):
        self._mark_all(runs, REJECTED)

    def _read_P(self, number, time, life, *runs):
        self._mark_all(runs, REFUSED)

    def _mark_all(self, runs, flag):
        for name, n in of_runs(runs):
            self.mark(name, n, flag)

    def _read_A(self, number, time):
        request = self.by_number.pop(number, None)
        time = float(time)
        self.last_time = max(self.last_time, time)
        if request is None or time < self.uncertain_until:
            return
        request.confirmed = time
        # Threads of the sink write these lines: the order is that of time but for moments.
        self.confirmed[request.life].append(time)
        self.recent.append(request)
        if len(self.recent) > 1000:
            self.recent.popleft()

    def _judge(self, text, before, now):
        """An id has come again: was that within what a crash may repeat?"""
        life = self.lives[before.life]
        if before.confirmed is None or not life.may_save:
            return
        ago = f"{text}: confirmed in life {before.life}, again in life {now.life}"
        if before.life == now.life:
            self.findings.add("repeated without a crash", ago)
        elif life.clean:
            if before.confirmed < life.end - STALL_S:
                self.findings.add("repeated after a clean stop", ago)
        else:
            self._judge_crash(ago, before, life)

    def _judge_crash(self, ago, before, life):
        """The cursor follows an answer when all before it have theirs, and is then saved."""
        if before.free is None:
            before.free = self._free_time(before)
        times = self.confirmed[before.life]
        count = bisect.bisect_right(times, life.end)
        if count <= AHEAD_MAX:
            return
        late = times[count - 1 - AHEAD_MAX] - before.free
        if late > SAVE_INTERVAL_S + STALL_S:
            self.findings.add("repeated from before the last save of the cursor",
                              f"{ago}, {late:.3f} s before its last answers")

    def _free_time(self, before):
        """When the requests up to it were answered, and those that may have overtaken it."""
        if before.life in self.disturbed:
            return float("inf")  # one of them may not even have come here
        requests = sorted(self.of_life[before.life], key=lambda request: request.sent_order)
        upto = requests[: requests.index(before) + AHEAD_MAX]
        return max(float("inf") if request.confirmed is None else request.confirmed
                   for request in upto)
