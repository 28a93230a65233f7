"""What is asked of each of the provider's products, and their good answers.

After the vendor's pages (docpartner.dev): Voice Partner's key is a segment of the path, its money a text at
the top; the list of sub-accounts, on the SMS and the mail host, leaks each one's key and token in clear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.demo.answers import USER, Answer, account, html, refusal
from bot.demo.holdings import SubAccount

BASES: Final[Mapping[str, str]] = {"sms": "/v1", "voice": "/voice/v1", "mail": "/mail/v1"}
"""Where each product's API begins: one gateway serves them all, so that all can fail together."""

MOST_A_MINUTE: Final[Mapping[str, int]] = {"voice": 5, "mail": 2000}
"""Requests for one key; the vendor prints no limit for SMS."""

PER_PAGE = 20


@dataclass(frozen=True)
class Question:
    """What is asked, of which product, with which key (empty: none); `page`: of the list of sub-accounts."""

    product: str
    key: str
    page: int = 0
    xml: bool = False


def question(method: str, path: str, query: Mapping[str, str]) -> Question | Answer:
    """Understand a request; what is no question of this API gets its answer at once."""
    product = next((name for name in ("voice", "mail") if path.startswith(f"{BASES[name]}/")), "sms")
    asked = path.removeprefix(BASES[product]) if path.startswith(f"{BASES[product]}/") else ""
    keyed, xml = query.get("apiKey", ""), query.get("_format") == "xml"
    if product == "voice" and (asked == "/me" or asked.startswith("/me/")):
        found = Question(product, asked.removeprefix("/me").removeprefix("/"))
    elif asked == "/me":
        found = Question(product, keyed, xml=xml)
    elif asked == "/subaccount/list" and product != "voice":
        page = query.get("page", "1")
        found = Question(product, keyed, int(page) if page.isascii() and page.isdigit() else 1)
    else:
        return html(404, "Not Found")
    if method != "GET":
        return html(405, "Method Not Allowed", {"Allow": "GET"})
    return found


def without_key(path: str) -> str:
    """Return the path as a log may show it."""
    before, me, key = path.partition(f"{BASES['voice']}/me/")
    return f"{before}{me}KEY" if key else path


def refused(product: str, code: int, message: str) -> Answer:
    """Return a refusal; Voice Partner's codes are texts."""
    return refusal(str(code) if product == "voice" else code, message=message)


def good(product: str, figures: Mapping[str, str], *, xml: bool) -> Answer:
    """Return the good answer about an account with these figures, each given as text."""
    match product:
        case "voice":
            return _voice(figures)
        case "mail":
            return _mail(figures)
        case _:
            return account(figures, xml=xml)


def listing(subaccounts: Sequence[SubAccount], page: int) -> Answer:
    """Return one page of the list of sub-accounts; beyond the last there is nothing on it."""
    first = (max(page, 1) - 1) * PER_PAGE
    return Answer(
        body={
            "success": True,
            "code": 200,
            "total": len(subaccounts),
            "nb_per_page": PER_PAGE,
            "page": page,
            "data": [_row(one) for one in subaccounts[first : first + PER_PAGE]],
        }
    )


def _row(one: SubAccount) -> Mapping[str, object]:
    figures = one.account.figures()
    return {
        "id": one.id,
        "email": one.email,
        "type": "simple",
        "token": one.token,
        "apiKey": one.api_key,
        "createdAt": f"{one.created_at:%Y-%m-%d %H:%M:%S}",
        "credits": {"balance": figures["balance"], "currency": figures["currency"]},
    }


def _mail(figures: Mapping[str, str]) -> Answer:
    credits_ = {
        "creditMail": int(figures["creditMail"]),
        "currency": figures["currency"],
        "balance": figures["balance"],
    }
    return Answer(
        body={"success": True, "code": 200, "user": {"username": USER["username"]}, "credits": credits_}
    )


def _voice(figures: Mapping[str, str]) -> Answer:
    credit = figures["balance"]
    return Answer(
        body={
            "success": True,
            "credit": credit.rstrip("0").rstrip(".") if "." in credit else credit,
            "currency": figures["currency"],
            "details": {
                "tts": _spoken(int(figures["tts"])),
                "tts_fixe": _spoken(int(figures["tts_fixe"])),
                "voice": {"message": int(figures["voice.message"])},
            },
        }
    )


def _spoken(total: int) -> Mapping[str, int]:
    """Split seconds as the vendor's sample does, whose 66 s are a minute begun and not yet counted as one."""
    minutes = max(total - 7, 0) // 60
    return {"h": minutes // 60, "m": minutes % 60, "s": total - 60 * minutes}
