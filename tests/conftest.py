"""What every test file may ask for: a part of the system that not every machine has."""

import os
import shutil
from collections.abc import Callable
from typing import NoReturn

import pytest

pytest_plugins = ["tests.daemons", "tests.ground"]  # the fixtures `daemon` and `phone`, `ground` and `vantage`


def need(program: str) -> str:
    """Return the path of a program of the system; without it the test is skipped, or fails where CI=true says that all must be there."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        lack(f"{program} is not installed; .ci/run installs it")
    return path


def lack(why: str) -> NoReturn:
    """Skip the test because the machine lacks something; with CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(name="need")
def need_fixture() -> Callable[[str], str]:
    """`need`, for tests that rather name it as an argument."""
    return need
