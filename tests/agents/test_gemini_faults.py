# SPDX-License-Identifier: Apache-2.0
"""The released Gemini CLI, live, while something goes wrong on the way to Telltale.  Over HTTP it
sends the same again, over gRPC never."""

import re

import pytest
from expected.gemini import refactor
from live import gemini, losses, session
from live.way import START, Fault

CALLS = re.compile(rb"gemini_cli\.tool_call")
FAULTS = {
    "refused": Fault(refuses=CALLS),
    "dropped": Fault(refuses=CALLS, drops=True),
    "absent": Fault(leaves_at=START),
}
DEFAULT = [("refused", "http-json"), ("dropped", "http-json"), ("refused", "grpc")]


@pytest.mark.parametrize("name,transport", session.cases(DEFAULT, FAULTS, ["http-json", "grpc"]))
def test_what_gemini_was_acknowledged_is_stored_once(home, name, transport):
    place, way, records = session.play_badly(home, gemini.agent("refactor"),
                                             gemini.script_of("refactor"), transport, FAULTS[name])
    losses.check_acknowledged(records, way)
    losses.check_notes(records, way)
    missing = losses.missing_rows(records, refactor(place))
    assert missing == losses.lost(way) or name == "absent"
    assert way.was_sent_again() == (transport != "grpc") or name == "absent"
    assert bool(missing) == (transport == "grpc" or name == "absent")
