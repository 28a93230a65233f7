"""What the doctor finds in the settings alone; pure."""

import re
from collections.abc import Iterator

from bot.settings import Partial, channels_without_command, on_sqlite, same_keys, slips, wiping_host
from bot.shell import wording
from bot.shell.finding import Finding, Topic, ok, problem, skipped, warning
from bot.text import Words


def settings(read: Partial) -> tuple[Finding, ...]:
    """Tell every fault, slips in names, channels that are told but may not ask, and a key given twice."""
    # The last full stop but the end's: what stands in front may quote a name that holds one.
    parts = [fault.rpartition(". ") for fault in read.faults]
    faults = [problem(Topic.SETTINGS, said, mend) for said, _, mend in parts]
    found = faults or [ok(Topic.SETTINGS, wording.SETTINGS_FINE)]
    return (
        *found,
        *(
            warning(Topic.SETTINGS, *wording.halves(line, " - "))
            for line in slips(read.environment, read.settings)
        ),
        *(
            warning(Topic.SETTINGS, *wording.halves(line, "; "))
            for line in (*channels_without_command(read.settings), *same_keys(read.settings))
        ),
    )


def host(read: Partial) -> tuple[Finding, ...]:
    """Tell the traps of hosts whose files do not last."""
    sign = wiping_host(read.environment)
    if sign is None or "database_url" in read.left_out:
        return ()
    if on_sqlite(read.settings):
        return (warning(Topic.HOST, wording.WIPED.format(sign=sign), wording.USE_POSTGRESQL),)
    if sign == wording.HEROKU_SIGN:
        return (ok(Topic.HOST, wording.HEROKU, wording.NO_ECO_DYNO),)
    return (ok(Topic.HOST, wording.HOST_FINE.format(sign=sign)),)


def thresholds(read: Partial, words: Words) -> Iterator[Finding]:
    """Tell the accounts that are warned of only when it is too late."""
    for one in read.settings.watched:
        account = one.account
        if not account.rules and not (account.subaccounts and account.subaccounts.rules):
            mend = wording.SET_THRESHOLD.format(
                settings=wording.plain(words.say.rule_settings[account.product])
            )
            yield warning(Topic.THRESHOLDS, wording.NO_THRESHOLD, mend, account.name)


def signing_secret(read: Partial) -> tuple[Finding, ...]:
    """Tell a secret that is not as Slack makes them; in Socket Mode none is needed."""
    if "slack_app_token" in read.left_out or read.settings.slack_app_token is not None:
        return ()
    secret = read.settings.slack_signing_secret
    if secret is None:
        return (skipped(Topic.SIGNING_SECRET, wording.FAULTY_SETTING.format(name="SLACK_SIGNING_SECRET")),)
    if not re.fullmatch(r"[0-9a-f]{32}", secret.get_secret_value()):
        return (warning(Topic.SIGNING_SECRET, wording.ODD_SECRET, wording.COPY_SECRET),)
    return (ok(Topic.SIGNING_SECRET, wording.SECRET_FINE),)
