# SPDX-License-Identifier: Apache-2.0
"""The released opencode, live, while something goes wrong on the way to Telltale.  It sends
everything again."""

import re

import pytest
from expected.opencode import refactor
from live import losses, opencode, session
from live.way import START, Fault

CALLS = re.compile(rb"permission")
FAULTS = {
    "refused": Fault(refuses=CALLS),
    "dropped": Fault(refuses=CALLS, drops=True),
    "unheard": Fault(refuses=CALLS, is_late=True),
    "absent": Fault(leaves_at=START),
}
SENT_AGAIN = [("refused", "http-json"), ("dropped", "http-json"), ("unheard", "http-json")]
DEFAULT = [("dropped", "http-json")]


@pytest.mark.parametrize("name,transport", session.cases(DEFAULT, FAULTS, ["http-json"]))
def test_what_opencode_was_acknowledged_is_stored_once(home, name, transport):
    way, records, expectations = session.play_badly(
        home, opencode.agent("refactor"), opencode.script_of("refactor"), transport, FAULTS[name],
        refactor)
    missing = losses.check(records, way, expectations)
    is_again = (name, transport) in SENT_AGAIN
    assert bool(missing) != (is_again or name == "unheard")
    if FAULTS[name].refuses:
        assert way.was_sent_again() == is_again
