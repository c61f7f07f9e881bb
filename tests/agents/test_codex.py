# SPDX-License-Identifier: Apache-2.0
"""The released Codex, live: what its models said is in the store, with the right meaning."""

import pytest
from expected.codex import EXPECTED, REACHED
from live import codex, session

DEFAULT = [(scenario, "http-protobuf") for scenario in codex.SCENARIOS
           if scenario not in ("poll", "bigout-none")] + [
    ("exfil", "http-json"), ("approvals", "grpc")]
TRANSPORTS = ["http-protobuf", "http-json", "grpc"]


@pytest.mark.parametrize("scenario,transport", session.cases(DEFAULT, codex.SCENARIOS, TRANSPORTS))
def test_all_that_codex_did_is_in_the_store(home, scenario, transport):
    reached = session.play(home, codex.agent(scenario), codex.script_of(scenario), transport,
                           EXPECTED[scenario])
    assert reached == REACHED.get(scenario, [])
