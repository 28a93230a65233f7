"""Several accounts: from a file or a text, every fault with its place."""

import os
from decimal import Decimal
from pathlib import Path
from time import process_time

import pytest

from bot.core.command import WORDS
from bot.core.model import Field, Level, Product, Rule
from bot.settings import FaultySettings, Watched, from_environment, names

KEY = "0123456789abcdef0123456789abcdef01234567"
KEY_IN_CAPITALS = "ABCDEF0123456789ABCDEF0123456789ABCDEF01"
KEY_IN_BLOCKS = "0123-4567-89ab-cdef"
GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-canary-token",
    "SLACK_SIGNING_SECRET": "canary-signing-secret",
    "ALERT_CHANNEL": "C0123456789",
    "KEY_MARKETING": KEY,
}
MARKETING = '[[account]]\nname = "marketing"\nproduct = "sms"\napi_key_env = "KEY_MARKETING"\n'


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in names():
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def watched(environment: pytest.MonkeyPatch, text: str = "", **variables: str) -> tuple[Watched, ...]:
    for name, value in {**({"ACCOUNTS": text} if text else {}), **variables}.items():
        environment.setenv(name, value)
    return from_environment().watched


def faults(environment: pytest.MonkeyPatch, text: str = "", **variables: str) -> tuple[str, ...]:
    with pytest.raises(FaultySettings) as caught:
        watched(environment, text, **variables)
    for key in (KEY, KEY_IN_CAPITALS, KEY_IN_BLOCKS):
        assert key not in "".join(caught.value.faults)
    return caught.value.faults


def rules(one: Watched) -> list[tuple[str, str, str, str]]:
    return [(rule.field, rule.level.name, str(rule.threshold), rule.source) for rule in one.account.rules]


# The key variables


def test_each_key_variable_makes_an_account_by_its_product_s_name(environment: pytest.MonkeyPatch) -> None:
    found = watched(
        environment,
        SMSPARTNER_API_KEY=KEY,
        VOICEPARTNER_API_KEY=KEY,
        MAILPARTNER_API_KEY=KEY,
        BALANCE_WARNING="9",
    )
    assert [(one.account.name, one.account.product, one.api_url) for one in found] == [
        ("sms", Product.SMS, "https://api.smspartner.fr/v1"),
        ("voice", Product.VOICE, "https://api.voicepartner.fr/v1"),
        ("mail", Product.MAIL, "https://api.mailpartner.fr/v1"),
    ]
    assert [one.account.key_source for one in found] == [
        "SMSPARTNER_API_KEY",
        "VOICEPARTNER_API_KEY",
        "MAILPARTNER_API_KEY",
    ]
    assert {one.account.channel for one in found} == {"C0123456789"}


@pytest.mark.parametrize("name", ["SMSPARTNER_API_KEY", "VOICEPARTNER_API_KEY", "MAILPARTNER_API_KEY"])
def test_any_one_key_is_enough(environment: pytest.MonkeyPatch, name: str) -> None:
    (one,) = watched(environment, **{name: KEY})
    assert one.account.key_source == name


def test_without_any_account_the_ways_to_name_one_are_said(environment: pytest.MonkeyPatch) -> None:
    (fault,) = faults(environment)
    assert fault.startswith(
        "SMSPARTNER_API_KEY: is missing (or set VOICEPARTNER_API_KEY, MAILPARTNER_API_KEY or ACCOUNTS_FILE)"
    )


def test_the_environment_s_rules_are_for_every_account_whose_product_has_the_field(
    environment: pytest.MonkeyPatch,
) -> None:
    found = watched(
        environment,
        SMSPARTNER_API_KEY=KEY,
        VOICEPARTNER_API_KEY=KEY,
        CREDIT_SMS_WARNING="5000",
        BALANCE_WARNING="20",
        BALANCE_CRITICAL="5",
    )
    balance = [
        ("balance", "WARNING", "20", "BALANCE_WARNING"),
        ("balance", "CRITICAL", "5", "BALANCE_CRITICAL"),
    ]
    assert [rules(one) for one in found] == [
        [("creditSms", "WARNING", "5000", "CREDIT_SMS_WARNING"), *balance],
        balance,
    ]


# The file


def test_the_file_says_all_that_is_said_of_it(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text(
        MARKETING
        + """channel = "C0MARKETING"
subaccounts = true
subaccount_emails = true
[account.thresholds]
creditSms = { warning = 5000, critical = 1000 }
creditHlr = { critical = 10 }
balance = { warning = 200.10, critical = "50" }
[account.subaccount_thresholds]
balance = { warning = 20, critical = 5 }
"""
    )
    one = watched(environment, ACCOUNTS_FILE="accounts.toml", CREDIT_SMS_WARNING="9")[0]
    account = one.account
    assert (account.name, account.channel, account.key_source) == (
        "marketing",
        "C0MARKETING",
        "KEY_MARKETING",
    )
    assert one.api_key.get_secret_value() == KEY
    assert rules(one) == [
        ("creditSms", "WARNING", "5000", "ACCOUNTS_FILE"),
        ("creditSms", "CRITICAL", "1000", "ACCOUNTS_FILE"),
        ("creditHlr", "CRITICAL", "10", "ACCOUNTS_FILE"),
        ("balance", "WARNING", "200.10", "ACCOUNTS_FILE"),
        ("balance", "CRITICAL", "50", "ACCOUNTS_FILE"),
    ]
    assert account.subaccounts
    assert account.subaccounts.emails
    assert account.subaccounts.rules == (
        Rule(Field.BALANCE, Level.WARNING, Decimal(20), "ACCOUNTS_FILE"),
        Rule(Field.BALANCE, Level.CRITICAL, Decimal(5), "ACCOUNTS_FILE"),
    )


def test_an_entry_s_own_unit_of_money_goes_before_everybody_s(environment: pytest.MonkeyPatch) -> None:
    other = MARKETING.replace('"marketing"', '"other"')
    found = watched(environment, MARKETING + 'currency = "xof"\n' + other, CURRENCY="EUR")
    assert [(one.account.name, one.account.currency) for one in found] == [
        ("marketing", "XOF"),
        ("other", "EUR"),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [("5_000", "5000"), ("+5", "5"), ("0.500", "0.500"), ("1234.567", "1234.567"), ('"7.5"', "7.5")],
)
def test_a_number_of_the_file_that_has_one_meaning_is_taken(
    environment: pytest.MonkeyPatch, written: str, read: str
) -> None:
    text = MARKETING + f"[account.thresholds]\nbalance = {{ warning = {written} }}\n"
    (one,) = watched(environment, text)
    assert rules(one) == [("balance", "WARNING", read, "ACCOUNTS")]


def test_a_rule_of_the_file_replaces_the_environment_s_and_false_switches_it_off(
    environment: pytest.MonkeyPatch,
) -> None:
    text = MARKETING + "[account.thresholds]\ncreditSms = false\nbalance = { critical = 5 }\n"
    (one,) = watched(environment, text, CREDIT_SMS_WARNING="9", BALANCE_WARNING="200", BALANCE_CRITICAL="50")
    assert rules(one) == [("balance", "CRITICAL", "5", "ACCOUNTS")]


def test_accounts_of_the_file_and_of_the_key_variables_add_up(environment: pytest.MonkeyPatch) -> None:
    found = watched(environment, MARKETING, SMSPARTNER_API_KEY=KEY)
    assert [one.account.name for one in found] == ["sms", "marketing"]


def test_accounts_that_share_a_host_and_a_channel_are_a_group_and_one_alone_is_none(
    environment: pytest.MonkeyPatch,
) -> None:
    text = MARKETING + MARKETING.replace("marketing", "elsewhere") + 'channel = "C0ELSEWHERE"\n'
    found = watched(environment, text, SMSPARTNER_API_KEY=KEY, VOICEPARTNER_API_KEY=KEY)
    group = "api.smspartner.fr@C0123456789"
    assert {one.account.name: one.account.group for one in found} == {
        "sms": group,
        "marketing": group,
        "elsewhere": "",
        "voice": "",
    }


@pytest.mark.parametrize("name", ["x", "a-1", "рассылка", "情報", "ข้อความ", "a" * 40, "ALERT-s"])
def test_names_are_letters_and_digits_of_any_alphabet(environment: pytest.MonkeyPatch, name: str) -> None:
    (one,) = watched(environment, MARKETING.replace("marketing", name))
    assert one.account.name == name


# Faults

VOICE = MARKETING.replace("sms", "voice")
FRENCH = ("historique", "alertes", "seuils", "vu", "pause", "reprendre", "partager", "aide")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[account]", "ACCOUNTS: is not valid TOML (line 1, column"),
        ("x = 1\nx = 2", "is not valid TOML"),
        ("a = " + "[" * 5000, "is not valid TOML"),
        ("x = 1", "ACCOUNTS, line 1: unknown entry (only account may stand here). Example: [[account]]"),
        ("account = 1", "has no [[account]]"),
        ("account = [1]", "ACCOUNTS, account 1: is not a table"),
        ('account = [{ name = "one" }, { name = "two" }]', "ACCOUNTS, account 2: product is missing"),
        ("[[acount]]\nname = 1", "ACCOUNTS, line 1: unknown entry - did you mean account? (only account"),
        ("[[account]]", "[[account]] 1, line 1: name is missing"),
        ("[[account]]", "product is missing"),
        ("[[account]]", "api_key_env is missing"),
        (MARKETING.replace('"marketing"', "7"), "name must be 1 to 40 letters, digits or -"),
        (MARKETING.replace("marketing", "a b"), "name must be"),
        (MARKETING.replace("marketing", "a_b"), "name must be"),
        (MARKETING.replace("marketing", "<!here>"), "name must be"),
        (MARKETING.replace("marketing", ""), "name must be"),
        (MARKETING.replace("marketing", "a" * 41), "name must be"),
        *((MARKETING.replace("marketing", word), "is a word that /smscredits understands")
          for word in (*WORDS, "show", "history", *FRENCH, "HELP", "Historique")),
        (MARKETING + MARKETING, "[[account]] 2, line 5: name is taken"),
        (f"# a\n\n{MARKETING}\n \n\t[[ account ]]\t# b\nname = 7", "[[account]] 2, line 9: name must be"),
        (f"\n\n{MARKETING}\n{MARKETING}", "[[account]] 2, line 8: name is taken"),
        (f"\r\n{MARKETING}\r\n{MARKETING}", "[[account]] 2, line 7: name is taken"),
        (MARKETING + MARKETING.replace("marketing", "MARKETING"), "name is taken by another account"),
        # The same letters, once composed and once of letter and accent.
        (MARKETING.replace("marketing", "caf\u00e9") + MARKETING.replace("marketing", "cafe\u0301"),
         "name is taken by another account"),
        (MARKETING.replace('"sms"', '"smss"'),
         "line 3: unknown product - did you mean sms? (one of sms, voice, mail). Example: product"),
        (MARKETING.replace('"sms"', '"SMS"'), "unknown product - did you mean sms? (one of"),
        (MARKETING.replace('"sms"', '"fax"'), "unknown product (one of sms, voice, mail)"),
        (MARKETING.replace('"sms"', f'"{KEY}"'), "unknown product (one of sms, voice, mail)"),
        (MARKETING.replace('"sms"', "7"), "product must be one of sms, voice, mail"),
        (MARKETING.replace("KEY_MARKETING", "KEY_NONE"), "api_key_env names KEY_NONE, which is not set"),
        (MARKETING.replace("KEY_MARKETING", KEY), "api_key_env must be the NAME of a variable"),
        (MARKETING.replace("KEY_MARKETING", KEY_IN_CAPITALS), "api_key_env must be the NAME of a variable"),
        (MARKETING.replace('"sms"', f'"{KEY_IN_BLOCKS}"'), "unknown product (one of sms, voice, mail)"),
        (MARKETING.replace('"marketing"', f'"{KEY}"'), "name looks like a key"),
        (MARKETING.replace('"marketing"', f'"{KEY_IN_BLOCKS}"'), "name looks like a key"),
        (MARKETING.replace("marketing", "xoxb-123-abc"), "name looks like a key"),
        (MARKETING.replace("marketing", "XAPP-1-A2"), "name looks like a key"),
        (MARKETING.replace('"KEY_MARKETING"', "true"), "api_key_env must be the NAME of a variable"),
        (MARKETING.replace("KEY_MARKETING", "PORT"), "PORT must be 8 to 200 printable characters"),
        (MARKETING + f'api_key = "{KEY}"', "a key must not stand here"),
        (MARKETING + "chanel = 1", "line 5: unknown entry - did you mean channel? (one of name, product, "),
        (MARKETING + f"{KEY} = 1", "line 5: unknown entry (one of name, product, "),
        (MARKETING + 'channel = "#alerts"', "channel must be a channel's id"),
        (MARKETING + "channel = 7", "channel must be a channel's id"),
        *((MARKETING + f"currency = {value}", "currency must be written as the provider writes it")
          for value in ("12", '"12"', "true", '""', "1.5", '["EUR"]')),
        (MARKETING + 'subaccounts = "yes"', "subaccounts must be true or false"),
        (MARKETING + "subaccount_emails = 1", "subaccount_emails must be true or false"),
        (MARKETING + "subaccount_emails = true", "subaccount_emails needs sub-accounts to be watched"),
        (MARKETING + "[account.subaccount_thresholds]\nbalance = {warning = 5}",
         "subaccount_thresholds needs sub-accounts"),
        (VOICE + "subaccounts = true", "Voice Partner lists no sub-accounts: leave out subaccounts."),
        (VOICE + "subaccount_emails = true", "lists no sub-accounts: leave out subaccount_emails."),
        (VOICE + "subaccounts = true\n[account.subaccount_thresholds]\nbalance = {warning = 5}",
         "leave out subaccounts, subaccount_thresholds."),
        (VOICE + "[account.thresholds]\ncreditSms = {warning = 5}",
         "line 6: thresholds: unknown field (only balance may stand here)"),
        (VOICE + "[account.thresholds]\nBALANC = {warning = 5}",
         "unknown field - did you mean balance? (only balance may stand here)"),
        (MARKETING + "thresholds = 7", "thresholds must be a table"),
        (MARKETING + "subaccounts = true\n[account.subaccount_thresholds]\ncreditSms = {warning = 5}",
         "subaccount_thresholds: unknown field (only balance may stand here)"),
        *((MARKETING + f"[account.thresholds]\nbalance = {value}", "balance must be warning and critical")
          for value in ("5", "true", "{}", "{low = 5}", "[1]", '"5"')),
        *((MARKETING + f"[account.thresholds]\nbalance = {{warning = {value}}}", "balance: warning ")
          for value in ("0", "-1", "nan", "inf", "true", '"x"', "[1]", "{}", '"1,5"', '""', "1e15")),
        *((MARKETING + f"[account.thresholds]\nbalance = {{warning = {value}}}", f"balance: warning {said}")
          for value, said in (
              ("5.000", "may mean 5 or 5000: write one of them"),
              ('"5,000"', "may mean 5 or 5000"),
              ("1.250", "may mean 1.25 or 1250"),
              ('"12,50"', "has a comma before its decimals: write 12.50"),
              ("1_000.5", "has a thousands separator: write 1000.5"),
              *((other, "is not a number")
                for other in ("5e3", "+5.5", "-nan", "true", "false", "1979-05-27")),
          )),
        *((MARKETING + f"[account.thresholds]\ncreditSms = {{warning = {value}}}",
           f"creditSms: warning {said}")
          for value, said in (
              ("5.000", "must be digits only: write 5000"),
              ('"5 000"', "must be digits only: write 5000"),
              ("5.0", "must be a whole number"),
              ("5e3", "must be a whole number"),
              ("true", "must be a whole number"),
          )),
        (MARKETING.replace('"marketing"', "1e5"), "name must be 1 to 40 letters"),
        (MARKETING + "[account.thresholds]\ncreditSms = {warning = 5.5}",
         "creditSms: warning must be a whole number"),
        (MARKETING + "[account.thresholds]\ncreditSms = {warning = 5, critical = 6}",
         "creditSms: critical is above warning"),
    ],
)  # fmt: skip
def test_a_fault_says_its_place_what_is_wrong_and_an_example(
    environment: pytest.MonkeyPatch, text: str, said: str
) -> None:
    found = faults(environment, text, PORT="3000")
    assert any(said in fault for fault in found), found
    assert all(fault.startswith("ACCOUNTS") and ". Example: " in fault for fault in found)


@pytest.mark.parametrize(
    "text",
    [
        VOICE + "subaccount_emails = true",
        VOICE + "subaccounts = true\nsubaccount_emails = true",
        VOICE + "[account.subaccount_thresholds]\nbalance = {warning = 5}",
        MARKETING + 'subaccounts = "true"\nsubaccount_emails = true',
        MARKETING + "subaccounts = 1\n[account.subaccount_thresholds]\nbalance = {warning = 5}",
    ],
)
def test_a_wrong_word_about_sub_accounts_is_one_fault_whose_mend_is_none(
    environment: pytest.MonkeyPatch, text: str
) -> None:
    (fault,) = faults(environment, text)
    assert "needs sub-accounts to be watched" not in fault
    assert "subaccounts = true" not in fault or '"sms"' in text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("subaccounts = 1", 5),
        ("\n# of the agency\nchannel = 5", 7),
        ("currency = 12", 5),
        ("thresholds = 5", 5),
        ("thresholds = {creditSms = {warning = 5.5}}", 5),
        ("[account.thresholds]\ncreditSms = {warning = 5}\nbalance = {warning = '5,0'}", 7),
        ("[account.thresholds]\n'balance' = {warning = 1, critical = 2}", 6),
        (
            (
                "subaccounts = true\n[account.subaccount_thresholds]\nbalance = {warning = 5}\n"
                "[account.thresholds]\nbalance = 5"
            ),
            9,
        ),
        (
            (
                "subaccounts = true\n[account.thresholds]\nbalance = {warning = 5}\n"
                "[account.subaccount_thresholds]\nbalance = true"
            ),
            9,
        ),
    ],
)
def test_a_fault_names_the_line_of_what_is_wrong(
    environment: pytest.MonkeyPatch, text: str, line: int
) -> None:
    (fault,) = faults(environment, MARKETING + text)
    assert fault.startswith(f"ACCOUNTS, [[account]] 1, line {line}: ")


OF_SMS = "(one of creditSms, creditSmsECO, creditHlr, balance)"
OF_ANY = "(one of creditSms, creditSmsECO, creditHlr, balance, creditMail)"


def test_a_name_of_four_words_and_a_year_is_no_key(environment: pytest.MonkeyPatch) -> None:
    (one,) = watched(environment, MARKETING.replace('"marketing"', '"prod-marketing-europe-2024"'))
    assert one.account.name == "prod-marketing-europe-2024"


@pytest.mark.parametrize(
    ("product", "name", "said"),
    [
        ("sms", "creditsms", f"did you mean creditSms? {OF_SMS}"),
        ("sms", "credit_sms", f"did you mean creditSms? {OF_SMS}"),
        ("sms", "CREDIT_SMS_ECO", f"did you mean creditSmsECO? {OF_SMS}"),
        ("sms", "ballance", f"did you mean balance? {OF_SMS}"),
        ("sms", "creditMail", OF_SMS),
        ("sms", "toSend", OF_SMS),
        ("sms", KEY[:20], OF_SMS),
        ("mail", "creditmails", "did you mean creditMail? (one of creditMail, balance)"),
        ("voice", "Balance", "did you mean balance? (only balance may stand here)"),
        ("voice", "tts", "(only balance may stand here)"),
        ("fax", "toSend", OF_ANY),
        ("fax", "credit_mail", f"did you mean creditMail? {OF_ANY}"),
    ],
)
def test_of_an_unknown_field_the_nearest_that_a_rule_may_be_about_is_offered(
    environment: pytest.MonkeyPatch, product: str, name: str, said: str
) -> None:
    text = MARKETING.replace('"sms"', f'"{product}"') + f"[account.thresholds]\n{name} = {{warning = 5}}"
    fault = faults(environment, text)[-1]
    guess = f" - {said}" if said.startswith("did") else f" {said}"
    assert f"line 6: thresholds: unknown field{guess}. Example: " in fault


PASTED = (
    KEY,
    KEY_IN_CAPITALS,
    KEY_IN_BLOCKS,
    "xoxb-1234567890-abcDEF",
    "abcdefghijklmnopqrstuvwxyz",
    "sk_live_51AbCdEfGhIjKlMn",
    "AKIAIOSFODNN7EXAMPLE",
    "SK_LIVE_51ABCDEFGH",
    "correct-horse-battery-staple",
    "p w",
    "pässwörd",
    "chanel-secret",
)
"""What somebody may have in the clipboard: keys, tokens and passwords of every shape."""

PLACES = {
    "table": '["{}"]\nx = 1',
    "list of tables": '[["{}"]]\nx = 1',
    "top": '"{}" = 1',
    "dotted": '"{0}"."{0}" = 1',
    "key": MARKETING + '"{}" = 1',
    "value of an unknown entry": MARKETING + 'chanel = "{}"',
    "table of an account": MARKETING + '[account."{}"]\nwarning = 5',
    "product": MARKETING.replace('"sms"', '"{}"'),
    "name and more amiss": MARKETING.replace("marketing", "{}").replace('"sms"', '"fax"'),
    "variable": MARKETING.replace("KEY_MARKETING", "{}"),
    "channel": MARKETING + 'channel = "{}"',
    "switch": MARKETING + 'subaccounts = "{}"',
    "thresholds": MARKETING + 'thresholds = "{}"',
    "field": MARKETING + '[account.thresholds]\n"{}" = 5',
    "level": MARKETING + '[account.thresholds]\nbalance = {{ "{}" = 5 }}',
    "limit": MARKETING + '[account.thresholds]\nbalance = {{ warning = "{} x" }}',
    "limits": MARKETING + '[account.thresholds]\nbalance = ["{}"]',
    "api_key": MARKETING + 'api_key = "{}"',
    "account is not a table": 'account = ["{}"]',
    "account is no list": 'account = "{}"',
    "no TOML": MARKETING + "{} ?",
    "no TOML, alone": "{}!",
    "an open quote": MARKETING + '# {0}\nx = "{0}',
    "twice": '"{0}" = 1\n"{0}" = 2',
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_that_is_typed_at_a_wrong_place_is_quoted(
    environment: pytest.MonkeyPatch, place: str, tmp_path: Path
) -> None:
    for pasted in PASTED:
        text = PLACES[place].format(pasted)
        (tmp_path / "accounts.toml").write_text(text)
        for source in ({"ACCOUNTS": text}, {"ACCOUNTS_FILE": "accounts.toml"}):
            for name in ("ACCOUNTS", "ACCOUNTS_FILE"):
                environment.delenv(name, raising=False)
            assert pasted not in "\n".join(faults(environment, **source))


def test_a_variable_that_is_missing_is_named_if_its_name_is_made_of_words(
    environment: pytest.MonkeyPatch,
) -> None:
    for name in ("KEY_NONE", "SMSPARTNER_API_KEY_2"):
        (fault,) = faults(environment, MARKETING.replace("KEY_MARKETING", name))
        assert f"api_key_env names {name}, which is not set" in fault
    (fault,) = faults(environment, MARKETING.replace("KEY_MARKETING", "AKIAIOSFODNN7EXAMPLE"))
    assert "api_key_env names a variable, which is not set" in fault


@pytest.mark.parametrize("name", ["sms", "SMS"])
def test_a_name_that_a_key_variable_makes_is_taken(environment: pytest.MonkeyPatch, name: str) -> None:
    (fault,) = faults(environment, MARKETING.replace("marketing", name), SMSPARTNER_API_KEY=KEY)
    assert "name is taken by another account" in fault
    environment.delenv("SMSPARTNER_API_KEY")
    assert watched(environment)[0].account.name == name


def test_all_faults_are_reported_together_those_of_the_variables_too(environment: pytest.MonkeyPatch) -> None:
    text = MARKETING.replace("marketing", "a b") + MARKETING.replace('"sms"', '"fax"') + "chanel = 1\n"
    found = faults(environment, text, POLL_INTERVAL="soon", BALANCE_WARNING="x")
    assert [fault.split(":")[0] for fault in found] == [
        "BALANCE_WARNING",
        "POLL_INTERVAL",
        "ACCOUNTS, [[account]] 1, line 1",
        "ACCOUNTS, [[account]] 2, line 9",
        "ACCOUNTS, [[account]] 2, line 7",
    ]


def test_a_file_and_a_text_are_one_too_many(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text(MARKETING)
    (fault,) = faults(environment, MARKETING, ACCOUNTS_FILE="accounts.toml")
    assert fault.startswith("ACCOUNTS: is set beside ACCOUNTS_FILE; set only one of them")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1 MiB"),
        (b"", "has no [[account]]"),
    ],
)
def test_a_file_that_cannot_be_taken_is_one_fault(
    environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "accounts.toml").write_bytes(content)
    (fault,) = faults(environment, ACCOUNTS_FILE="accounts.toml")
    assert said in fault


def test_what_gives_no_end_of_text_is_no_file_of_accounts(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("pipe", "/dev/zero"):
        (fault,) = faults(environment, ACCOUNTS_FILE=path)
        assert "ACCOUNTS_FILE: is not a file" in fault


def test_a_folder_is_no_file_of_accounts(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").mkdir()
    (fault,) = faults(environment, ACCOUNTS_FILE="accounts.toml")
    assert "cannot be read (Is a directory)" in fault


def test_no_key_is_printed_by_what_holds_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ACCOUNTS", MARKETING)
    environment.setenv("VOICEPARTNER_API_KEY", KEY)
    read = from_environment()
    for shown in (repr(read), str(read), repr(read.watched), str(read.model_dump())):
        assert KEY not in shown


def test_a_thousand_accounts_are_read_in_a_moment(environment: pytest.MonkeyPatch) -> None:
    text = "".join(MARKETING.replace("marketing", f"account-{number}") for number in range(1000))
    started = process_time()
    assert len(watched(environment, text)) == 1000
    assert process_time() - started < 5
