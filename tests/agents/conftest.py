# SPDX-License-Identifier: Apache-2.0
"""Takes the daemon of the integration tests, and a home for it in a short path."""

import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).resolve().parents[1] / "integration")]


@pytest.fixture
def home():
    path = pathlib.Path(tempfile.mkdtemp(prefix="tt-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)
