"""How a command ends: at once, whatever hangs; loads in a moment, for signals come at any time."""

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from bot.shell import NOT_CHECKED

SIGNALS = (signal.SIGTERM, signal.SIGINT)

_BROKEN_OFF = {"check": NOT_CHECKED, "doctor": 1, "manifest": 1}
"""The exit code of a command that a signal breaks off; the bot and the demo are stopped that way: 0."""


def leave_on_signals(arguments: Sequence[str]) -> None:
    """End at the first signal: while all is loaded nothing is there to be drained.

    Not by an exception: importing may swallow it, and a second signal kills an interpreter that is ending.
    """
    code = next((_BROKEN_OFF[one] for one in arguments if one in _BROKEN_OFF), 0)

    def leave(_number: int, _frame: FrameType | None) -> None:
        if code:
            with contextlib.suppress(OSError):
                os.write(2, b"Interrupted.\n")
        os._exit(code)

    for number in SIGNALS:
        signal.signal(number, leave)


def end(code: int) -> NoReturn:
    """End at once: the loop and the interpreter would wait for the look-up of a name that hangs."""
    for stream in (sys.stdout, sys.stderr):
        # There is none where whoever started this closed it.
        with contextlib.suppress(OSError, AttributeError):
            stream.flush()
    os._exit(code)


def fail(lines: Sequence[str], code: int) -> NoReturn:
    """Print these lines on standard error, if they can be printed, and end."""
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.writelines(f"{line}\n" for line in lines)
    end(code)
