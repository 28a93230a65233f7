"""What `/smscredits alerts` says: what is open or about to be, and why it was told or not."""

from dataclasses import dataclass

from bot.core.model import Account
from bot.core.notice import OpenAlert, Telling
from bot.core.reading import CONNECTION, Cause
from bot.core.watch import Episode, Trouble, Watch
from bot.text.episodes import EpisodeWords
from bot.text.figures import escape

SHARING = 3
"""So many accounts of a shared alert are named in the list: it is one alert of several."""


@dataclass(frozen=True)
class AlertWords(EpisodeWords):
    """What the bot says of the alerts that are open."""

    def alert(self, alert: OpenAlert) -> tuple[str, ...]:
        """Say of an open episode why it is open, whether it was told, and when the next message comes."""
        episode, watch = alert.episode, alert.watch
        head = self.say.alert.format(
            title=self.title(episode),
            account=self.whose(episode) if episode.members else escape(episode.account),
            since=self.time(episode.opened_at),
        )
        credits_ = watch.reading.credits if watch.reading else None
        failed = ""
        if episode.trouble is Trouble.UNREADABLE and watch.failures:
            failed = self.say.failed_polls.format(count=watch.failures)
        next_word = self._next_word(episode)
        told = " ".join(word for word in (*self._told(episode, alert.telling), next_word) if word)
        lines = (
            *self.facts(episode, credits_, alert.readings, SHARING),
            failed,
            *self.standing(episode, credits_),
            told,
        )
        return (head, *(line for line in lines if line))

    def _told(self, episode: Episode, telling: Telling) -> tuple[str, ...]:
        channel = escape(episode.channel)
        said = []
        if telling.told_at:
            said.append(self.say.last_word.format(at=self.time(telling.told_at), channel=channel))
        if telling.waits_since and telling.error:
            why = escape(self.slack_error(telling.error))
            again = self.say.next_try.format(at=self.time(telling.retry_at)) if telling.retry_at else ""
            since = self.time(telling.waits_since)
            said.append(self.say.not_delivered.format(since=since, channel=channel, why=why))
            said.append(again)
        elif telling.waits_since:
            said.append(self.say.being_told.format(channel=channel))
        return tuple(said)

    def _next_word(self, episode: Episode) -> str:
        if episode.mute:
            return ""  # said with who mutes it
        reminder = self.next_reminder(episode)
        return f"{reminder[:1].upper()}{reminder[1:]}." if reminder else self.say.no_reminder

    def counting(self, account: Account, watch: Watch) -> str:
        """Say of an account that fails why that is not told yet."""
        failure = watch.failure
        return self.say.counting.format(
            account=escape(account.name),
            count=watch.failures,
            needed=max(self.policy.unreadable_after, watch.failures),
            since=self.time(watch.failing_since) if watch.failing_since else "",
            cause=self.cause(failure, account) if failure else "",
        )

    def slack_error(self, error: str) -> str:
        """Say in plain words why Slack did not take a post, with the mend; for the log."""
        known = self.say.slack_errors.get(error) or self._not_connected(error, "Slack", "SLACK_API_URL")
        return known or self.say.slack_error_unknown.format(error=error)

    def heartbeat_error(self, error: str) -> str:
        """Say in plain words why the heartbeat's address was not reached, with the mend; for the log."""
        return self._not_connected(error, self.say.heartbeat, "HEARTBEAT_URL")

    def _not_connected(self, error: str, whom: str, setting: str) -> str:
        """Say why a host is not reached, and the mend; nothing for an error of another kind."""
        cause = next((cause for cause in CONNECTION | {Cause.TIMEOUT} if cause == error), None)
        if cause is None:
            return ""
        said = self.say.causes[cause].format(provider=whom).removesuffix(".")
        if cause in {Cause.NETWORK, Cause.TIMEOUT}:
            return said
        mend = self.say.mends[cause].format(url=setting).removesuffix(".").replace("`", "")
        said = said[:1].upper() + said[1:]
        return f"{said}: {mend[:1].lower()}{mend[1:]}"
