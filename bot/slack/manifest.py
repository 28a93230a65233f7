"""The Slack app's manifest; `manifest.yaml` is this, printed (docs.slack.dev, "App manifest")."""

from typing import Any

EVENTS_PATH = "/slack/events"

_LONG_DESCRIPTION = (
    "Watches the prepaid credits of your SMS Partner account, so that log-in codes, reminders and "
    "campaigns never stop because nobody looked. Type /smscredits to see what is left, read live. When "
    "the number of SMS or the balance drops below your thresholds, your channel is warned once, early, "
    "with what to do; it is also told when the account cannot be read, and when all is well again. "
    "The app reads no messages: it only posts."
)


def manifest(url: str = "") -> dict[str, Any]:
    """Return the manifest for HTTP mode at `url`, or for Socket Mode without one."""
    address = {"url": url.rstrip("/") + EVENTS_PATH} if url else {}
    request_url = {"request_url": address["url"]} if url else {}
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "SMS Credits",
            "description": "Shows what is left on your SMS Partner account, and warns before it runs dry.",
            "long_description": _LONG_DESCRIPTION,
            "background_color": "#1b4b5a",
        },
        "features": {
            "bot_user": {"display_name": "smscredits", "always_online": True},
            "slash_commands": [
                {
                    "command": "/smscredits",
                    **address,
                    "description": "What is left on the SMS account",
                    "usage_hint": "[account | alerts | ack | snooze 2h | resume | thresholds | share | help]",
                    "should_escape": True,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": ["commands", "chat:write"]}},
        "settings": {
            "interactivity": {"is_enabled": True, **request_url},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
