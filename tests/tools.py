"""Programs of the system that some tests need."""

import os
import shutil

import pytest


def tool(*names: str, package: str) -> str:
    """Return the path of the first that is there; without one skip the test, or fail it on CI."""
    for name in names:
        if path := shutil.which(name):
            return path
    missing = f"no {names[0]}: apt-get install {package}"
    if os.environ.get("CI"):  # noqa: TID251 - where tests run decides, no setting of the bot
        pytest.fail(missing)
    pytest.skip(missing)
