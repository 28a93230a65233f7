"""Documents that people and hosts rely on say what the code does."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from bot import VERSION
from bot.command_line import commands
from bot.core.command import WORDS
from bot.demo.run import COMMAND
from bot.settings import Settings, names
from bot.slack.manifest import manifest
from bot.store.ownership import NEWEST
from bot.text.en import ENGLISH
from tests.tools import tool

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text()
DEPLOYING = (ROOT / "docs/deploying.md").read_text()
OPERATING = (ROOT / "docs/operating.md").read_text()
DESIGN = (ROOT / "docs/design.md").read_text()
DOCUMENTS = {path: path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}


def test_every_setting_stands_in_the_readme_and_none_that_does_not_exist() -> None:
    table = README.partition("## Settings")[2].partition("## Commands")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([A-Z_]+)`", " ".join(first_cells))) == set(names())


def test_app_json_asks_for_exactly_the_settings_that_the_code_reads() -> None:
    env = json.loads((ROOT / "app.json").read_text())["env"]
    assert set(env) == set(names())
    for name, field in Settings.model_fields.items():
        assert env[name.upper()]["description"] == field.description
        assert all(isinstance(value, str) for key, value in env[name.upper()].items() if key == "value")
    required = {name for name, asked in env.items() if asked["required"]}
    assert required == {"SLACK_BOT_TOKEN", "ALERT_CHANNEL"}
    assert required == {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}


def test_app_json_asks_for_no_signing_secret_in_socket_mode_and_says_when_it_is_needed() -> None:
    asked = json.loads((ROOT / "app.json").read_text())["env"]["SLACK_SIGNING_SECRET"]
    assert asked["required"] is False
    assert "unless SLACK_APP_TOKEN is set" in asked["description"]


def test_app_json_is_what_heroku_takes_and_makes_up_no_token_of_slack() -> None:
    schema = json.loads((ROOT / "tests/app-json.schema.json").read_text())
    app = json.loads((ROOT / "app.json").read_text())
    judge = Draft202012Validator(schema)
    judge.check_schema(schema)
    assert [error.message for error in judge.iter_errors(app)] == []
    assert not [name for name, asked in app["env"].items() if "generator" in asked]
    assert app["formation"] == {"web": {"quantity": 1, "size": "basic"}}
    assert app["addons"] == ["heroku-postgresql:essential-0"]


FAULTS: list[tuple[str, object]] = [
    ("name", "SM"),
    ("description", "x" * 141),
    ("stack", "cedar"),
    ("formation", {"web": {"size": "basic"}}),
    ("addons", ["heroku postgresql"]),
    ("env", {"PORT": {"value": 3000}}),
    ("env", {"port": {}}),
    ("env", {"PORT": {"default": "3000"}}),
    ("environment", {}),
]


@pytest.mark.parametrize(("name", "value"), FAULTS, ids=str)
def test_the_schema_notices_what_heroku_would_refuse(name: str, value: object) -> None:
    schema = json.loads((ROOT / "tests/app-json.schema.json").read_text())
    app = json.loads((ROOT / "app.json").read_text())
    assert not Draft202012Validator(schema).is_valid({**app, name: value})


def test_the_example_environment_names_every_setting() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE)) == set(names())


def test_every_subcommand_stands_in_the_readme_the_manifest_and_the_demo() -> None:
    hint = manifest()["features"]["slash_commands"][0]["usage_hint"]
    for word in WORDS:
        assert f"`/smscredits {word}`" in README
        assert word in hint
    assert {line.text for line in COMMAND.subcommands} == {"", "sms", *WORDS}
    assert COMMAND.hint == hint


def test_every_command_of_the_shell_stands_in_the_readme() -> None:
    table = README.partition("| in the shell |")[2].partition("##")[0]
    for name, command in commands.commands.items():
        options = " ".join(option.opts[0] for option in command.params if isinstance(option, click.Option))
        assert f"python -m bot {name}" in table
        assert all(option in table for option in options.split())


def test_every_button_stands_in_the_readme() -> None:
    for label in (ENGLISH.top_up, ENGLISH.ack, ENGLISH.snooze, ENGLISH.resume):
        assert f"**{label}**" in " ".join(README.split())


def test_the_manifest_keeps_slacks_limits_and_asks_for_two_scopes() -> None:
    built = manifest("https://bot.example.com")
    shown = built["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    assert built["oauth_config"]["scopes"] == {"bot": ["commands", "chat:write"]}
    assert [command["command"] for command in built["features"]["slash_commands"]] == ["/smscredits"]
    assert re.fullmatch(r"[\w.-]+", built["features"]["bot_user"]["display_name"])
    assert yaml.safe_load((ROOT / "manifest.yaml").read_text()) == manifest()


def test_the_link_that_creates_the_app_in_one_click_holds_the_manifest() -> None:
    compact = json.dumps(manifest(), separators=(",", ":"))
    link = f"https://api.slack.com/apps?new_app=1&manifest_json={quote(compact)}"
    assert f"[create]: {link}\n" in README


def deploy_lines(language: str) -> str:
    """Return what `docs/deploying.md` shows in one language."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", DEPLOYING, re.DOTALL))


def test_every_setting_that_a_deploy_sets_exists() -> None:
    named = re.findall(r"\b([A-Z]+_[A-Z_]+)=", deploy_lines("sh") + deploy_lines("ini"))
    assert set(named) <= set(names())
    assert len(set(named)) > 5


def test_the_manifest_s_line_takes_the_address_as_heroku_prints_it(tmp_path: Path) -> None:
    (line,) = (line for line in deploy_lines("sh").splitlines() if "heroku info" in line)
    heroku = tmp_path / "heroku"
    heroku.write_text(
        "#!/bin/sh\necho git_url=x\necho web_url=https://sms-1234.herokuapp.com/\necho dynos=1\n"
    )
    heroku.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.defpath}"
    done = subprocess.run(
        ["sh", "-c", line.replace(".venv/bin/python", sys.executable)],
        cwd=ROOT,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert yaml.safe_load(done.stdout) == manifest("https://sms-1234.herokuapp.com")


def test_fly_s_settings_are_toml_and_never_stop_the_machine() -> None:
    fly = tomllib.loads(deploy_lines("toml"))
    assert fly["http_service"]["internal_port"] == int(fly["env"]["PORT"])
    assert fly["http_service"]["auto_stop_machines"] == "off"
    assert fly["http_service"]["checks"] == [{"path": "/healthz"}]


def test_each_host_s_doctor_is_one_that_the_host_s_own_tool_passes_on_whole() -> None:
    doctor = [line for line in deploy_lines("sh").splitlines() if "doctor" in line]
    assert [line for line in doctor if line.startswith(("heroku", "scalingo", "railway", "fly"))] == [
        "heroku run -- python -m bot doctor --post",
        'scalingo --app my-sms-credits run "python -m bot doctor --post"',
        "railway ssh -- python -m bot doctor --post",
        'fly ssh console -C "/cnb/lifecycle/launcher python -m bot doctor --post"',
    ]


def test_systemd_takes_the_unit_as_it_stands(tmp_path: Path) -> None:
    unit = tmp_path / "smscredits.service"
    command = "/opt/smscredits/.venv/bin/python"
    text = deploy_lines("ini").replace(command, sys.executable).replace("/opt/smscredits", str(ROOT))
    unit.write_text(text)
    analyze = tool("systemd-analyze", package="systemd")
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert unit.name not in done.stderr


def test_hosts_find_one_lock_file_one_python_version_and_one_plain_command() -> None:
    assert (ROOT / "Procfile").read_text() == "web: python -m bot\n"
    assert (ROOT / ".python-version").read_text() == "3.13\n"
    others = ("uv.lock", "poetry.lock", "Pipfile.lock", "Pipfile", "runtime.txt")
    assert not [name for name in others if (ROOT / name).exists()]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_with_hashes_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    pinned = re.findall(r"^([a-z][\w.-]*)(?:\[[\w,]+\])?==", text, re.MULTILINE)
    assert text.count("--hash=sha256:") >= len(pinned) > 20
    wanted = {re.split(r"[\[<>=]", line)[0].lower() for line in PROJECT["dependencies"]}
    assert wanted <= set(pinned)


def test_the_version_that_is_told_is_the_projects() -> None:
    assert PROJECT["version"] == VERSION


def test_the_newest_migration_is_the_one_that_the_code_knows() -> None:
    versions = sorted(path.name for path in (ROOT / "bot/store/migrations/versions").glob("1*.py"))
    assert versions[-1].startswith(NEWEST)


def anchors(text: str) -> set[str]:
    """Return what a link may lead to within a document, as GitHub names its headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_the_documents_leads_somewhere(path: Path) -> None:
    text = DOCUMENTS[path]
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    for link in ("".join(one) for one in links):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(DOCUMENTS[target]), link
        assert target.suffix != ".png" or target.stat().st_size > 10_000


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= 1600


def test_the_doctors_samples_show_the_version_that_the_database_has() -> None:
    assert set(re.findall(r"can be written; version (\d+)", OPERATING)) == {NEWEST}
