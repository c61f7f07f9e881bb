# SPDX-License-Identifier: Apache-2.0
"""The released Gemini CLI, live: what its models said is in the store, with the right meaning."""

import pytest
from expected.gemini import EXPECTED, REACHED
from live import gemini, session

DEFAULT = [(scenario, "http-json") for scenario in gemini.SCENARIOS
           if scenario not in ("refactor", "poll")] + [("refactor", "grpc")]
TRANSPORTS = ["http-json", "grpc"]


@pytest.mark.parametrize("scenario,transport", session.cases(DEFAULT, gemini.SCENARIOS, TRANSPORTS))
def test_all_that_gemini_did_is_in_the_store(home, scenario, transport):
    reached = session.play(home, gemini.agent(scenario), gemini.script_of(scenario), transport,
                           EXPECTED[scenario])
    assert reached == REACHED.get(scenario, [])
