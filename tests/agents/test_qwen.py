# SPDX-License-Identifier: Apache-2.0
"""The released Qwen Code, live: what its models said is in the store, with the right meaning."""

import pytest
from expected.qwen import EXPECTED, REACHED
from live import qwen, session

DEFAULT = [(scenario, "http-json") for scenario in qwen.SCENARIOS
           if scenario != "refactor"] + [("refactor", "grpc")]
TRANSPORTS = ["http-json", "grpc"]


@pytest.mark.parametrize("scenario,transport", session.cases(DEFAULT, qwen.SCENARIOS, TRANSPORTS))
def test_all_that_qwen_did_is_in_the_store(home, scenario, transport):
    reached = session.play(home, qwen.agent(scenario), qwen.script_of(scenario), transport,
                           EXPECTED[scenario])
    assert reached == REACHED.get(scenario, [])
