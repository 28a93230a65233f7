"""The command line: `python -m bot [run | demo | check | doctor | manifest]`."""

import sys

from bot.shell.ending import leave_on_signals


def main() -> None:
    """Heed signals, then load and do what is asked."""
    leave_on_signals(sys.argv[1:])
    from bot.command_line import commands  # noqa: PLC0415 - takes its time, in which signals come

    commands()


if __name__ == "__main__":
    main()
