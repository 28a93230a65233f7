"""Who asks for the metrics, with their token and without, and how strangely."""

from urllib.parse import quote_plus

from hypothesis import strategies as st

from tests.fuzz.requests import BEARER, HEADERS, METRICS_TOKEN, Sample

STRANGE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\x7f"), max_size=40
)
AUTHORIZATIONS = st.lists(
    st.one_of(
        st.sampled_from(
            ["Bearer", "Bearer ", "Basic eDp4", BEARER[:-1], f"{BEARER}x", BEARER.upper(), METRICS_TOKEN]
        ),
        STRANGE,
        STRANGE.map(lambda text: f"Bearer {text}"),
    ),
    max_size=2,
)
ACCEPTS = st.one_of(
    st.sampled_from(["*/*", "text/plain; version=1.0.0", "application/openmetrics-text; version=1.0.0"]),
    STRANGE,
    STRANGE.map(lambda text: f"application/openmetrics-text; version={text}"),
    STRANGE.map(lambda text: f"text/plain; q={text}; escaping={text}"),
)
QUERIES = st.one_of(
    st.just(""), st.just("?name[]=smscredits_level"), STRANGE.map(lambda text: f"?{quote_plus(text)}")
)
METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "OPTIONS"])


@st.composite
def metrics(draw: st.DrawFn) -> Sample:
    """A look at the metrics by somebody who does not bear the token, or only nearly."""
    said = tuple(("Authorization", one) for one in draw(AUTHORIZATIONS))
    return _look(draw, "metrics", said)


@st.composite
def borne_metrics(draw: st.DrawFn) -> Sample:
    """A look at the metrics by somebody who bears the token, and may ask strangely."""
    return _look(draw, "bearer", (("Authorization", BEARER),))


def _look(draw: st.DrawFn, family: str, said: tuple[tuple[str, str], ...]) -> Sample:
    accepted = ("Accept", draw(ACCEPTS))
    path = f"/metrics{draw(QUERIES)}"
    return Sample(
        family,
        draw(st.binary(max_size=20)),
        (*draw(HEADERS), *said, accepted),
        signed=False,
        method=draw(METHODS),
        path=path,
    )
