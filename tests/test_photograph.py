"""Every message that the bot can say is one that somebody has looked at."""

from difflib import unified_diff

from tests.photograph.camera import PHOTOGRAPH, photographed


async def test_every_message_is_as_photographed_or_python_m_tests_photograph_was_run_and_its_diff_read() -> (
    None
):
    before, now = PHOTOGRAPH.read_text(encoding="utf-8").splitlines(), (await photographed()).splitlines()
    assert "\n".join(unified_diff(before, now, "photographed", "said now", lineterm="")) == ""
