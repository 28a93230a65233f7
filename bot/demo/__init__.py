"""The real bot on loopback, with a simulated provider and a Slack-like page: nothing to configure."""
