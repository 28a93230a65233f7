"""What is asked from the command line, beside a running bot or before there is one: `check` and `doctor`."""

NOT_CHECKED = 3
"""The exit code of `check` where it could not look: 1 and 2 would say something of an account."""
