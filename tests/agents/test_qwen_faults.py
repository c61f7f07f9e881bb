# SPDX-License-Identifier: Apache-2.0
"""The released Qwen Code, live, while something goes wrong on the way to Telltale.  It sends
again what was refused over HTTP, but not when the connection ended, and never over gRPC."""

import re

import pytest
from expected.qwen import refactor
from live import losses, qwen, session
from live.way import START, Fault

# Not the export that tells the approval mode: what overtakes it is told without.
LAST_CALL = re.compile(rb"function_args.{0,60}node test", re.S)
FAULTS = {
    "refused": Fault(refuses=LAST_CALL),
    "dropped": Fault(refuses=LAST_CALL, drops=True),
    "unheard": Fault(refuses=LAST_CALL, is_late=True),
    "absent": Fault(leaves_at=START),
}
SENT_AGAIN = [("refused", "http-json"), ("unheard", "http-json")]
DEFAULT = [("refused", "http-json")]


@pytest.mark.parametrize("name,transport", session.cases(DEFAULT, FAULTS, ["http-json", "grpc"]))
def test_what_qwen_was_acknowledged_is_stored_once(home, name, transport):
    way, records, expectations = session.play_badly(
        home, qwen.agent("refactor"), qwen.script_of("refactor"), transport, FAULTS[name],
        refactor)
    missing = losses.check(records, way, expectations)
    is_again = (name, transport) in SENT_AGAIN
    assert bool(missing) != (is_again or name == "unheard")
    if FAULTS[name].refuses:
        assert way.was_sent_again() == is_again
