# SPDX-License-Identifier: Apache-2.0
"""The released opencode, live: what its models said is in the store, with the right meaning."""

import pytest
from expected.opencode import EXPECTED
from live import opencode, session

DEFAULT = [(scenario, "http-json") for scenario in opencode.SCENARIOS]  # it has no other


@pytest.mark.parametrize("scenario,transport",
                         session.cases(DEFAULT, opencode.SCENARIOS, ["http-json"]))
def test_all_that_opencode_did_is_in_the_store(home, scenario, transport):
    reached = session.play(home, opencode.agent(scenario), opencode.script_of(scenario), transport,
                           EXPECTED[scenario])
    assert reached == []
