# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration tests: a home in a short path (socket paths are limited)."""

import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture
def home():
    path = pathlib.Path(tempfile.mkdtemp(prefix="tt-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def corpus():
    return pathlib.Path(__file__).resolve().parents[1] / "corpus"
