"""What every test file may ask for: a part of the system that not every machine has."""

import os
import shutil
from collections.abc import Callable
from typing import NoReturn

import pytest

pytest_plugins = ["tests.daemons", "tests.ground"]  # the fixtures `daemon` and `phone`, `ground` and `vantage`


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes share the files: one for each of our cores, but none where a single file is asked for."""
    files = {word.partition("::")[0] for word in config.args}
    return 0 if len(files) == 1 and files.pop().endswith(".py") else len(os.sched_getaffinity(0))


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
