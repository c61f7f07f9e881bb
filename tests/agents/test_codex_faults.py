# SPDX-License-Identifier: Apache-2.0
"""The released Codex, live, while something goes wrong on the way to Telltale.  Codex never sends
anything again and says nothing of it; but it counts its tool results, so that Telltale knows what
is missing once it hears the next."""

import re

import pytest
from expected.codex import poll
from live import codex, losses, session
from live.scripts import POLLS
from live.way import START, Fault

RESULT_3 = re.compile(rb"Output:(\n|\\n)poll 3")
FIRST_RESULT = b"codex.tool_result"
FAULTS = {
    "refused": Fault(refuses=RESULT_3),
    "dropped": Fault(refuses=RESULT_3, drops=True),
    "unheard": Fault(refuses=RESULT_3, is_late=True),
    "away": Fault(leaves_at=2, leaves_after=FIRST_RESULT, returns_at=4),
    "killed": Fault(leaves_at=2, leaves_after=FIRST_RESULT, returns_at=4, kills=True),
    "late": Fault(leaves_at=START, returns_at=4),
    "absent": Fault(leaves_at=START),
}
# Calls whose results cannot have arrived, and whether Telltale can know that they are missing: not
# before the first that it hears of a session, be it the first since its own start.
LOST = {
    "refused": ([3], True), "dropped": ([3], True), "unheard": ([], True), "away": ([2, 3], True),
    "killed": ([2, 3], False), "late": ([0, 1, 2, 3], False), "absent": (range(POLLS), False),
}
DEFAULT = [("refused", "http-protobuf"), ("refused", "grpc"), ("dropped", "http-json"),
           ("away", "http-protobuf"), ("away", "grpc"), ("killed", "http-json"), ("late", "grpc")]
TRANSPORTS = ["http-protobuf", "http-json", "grpc"]


@pytest.mark.parametrize("name,transport", session.cases(DEFAULT, FAULTS, TRANSPORTS))
def test_what_codex_was_acknowledged_is_stored_and_gaps_are_told(home, name, transport):
    way, records, expectations = session.play_badly(
        home, codex.agent("poll"), codex.script_of("poll"), transport, FAULTS[name], poll)
    missing = losses.check(records, way, expectations)
    calls, is_told = LOST[name]
    for call in calls:
        assert missing["agent.tool", f"call_{call}"] == 1, missing
    told = [range(first, last + 1) for first, last in losses.gaps(way)]
    assert all(any(call + 1 in gap for gap in told) for call in calls) == is_told, told
    if FAULTS[name].refuses:
        assert not way.was_sent_again()
