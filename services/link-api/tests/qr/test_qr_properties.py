"""For any query: never a 500, and every picture that is answered decodes to exactly what was asked."""

import contextlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import httpx
from fastapi.exceptions import RequestValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from codeqr_common.errors import ApiError
from link_api.qr.formats import MEDIA_TYPES
from link_api.qr.parameters import drawing_of

See = Callable[[str, bytes], Image.Image]
Read = Callable[[Image.Image], str | None]

NAMES = (
    "size",
    "level",
    "fgColor",
    "fg_color",
    "bgColor",
    "margin",
    "format",
    "style",
    "includeMargin",
    "hideLogo",
    "x",
)
CONTENTS = st.one_of(
    st.text(min_size=1, max_size=60),
    st.text("abcdefXYZ0123456789/?=-_.~+é漢", max_size=200).map(lambda rest: f"https://codeqr.link/{rest}"),
    st.text("a/", min_size=1, max_size=2048),
)
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"{number:06x}")
GOOD = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(64, 1200).map(str) | st.integers(200, 900).map(lambda number: f"{number}.0"),
        "level": st.sampled_from("LMQHlmqh"),
        "fgColor": COLOURS,
        "bg_color": COLOURS | st.just("transparent"),
        "margin": st.integers(0, 20).map(str),
        "format": st.sampled_from(["png", "webp", "jpeg", "svg", "pdf", "PNG", "jpg"]),
        "style": st.sampled_from(["square", "rounded", "dots"]),
        "includeMargin": st.sampled_from(["true", "false", "1", "0"]),
    },
)
FORMATS = {media_type: name for name, media_type in MEDIA_TYPES.items()}
NO_DEADLINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@NO_DEADLINE
@given(content=CONTENTS, encode=st.sampled_from([quote, quote_plus]), parameters=GOOD)
async def test_every_picture_decodes_to_its_content(
    client: httpx.AsyncClient,
    seen: See,
    read: Read,
    content: str,
    encode: Callable[..., str],
    parameters: dict[str, str],
) -> None:
    rest = "".join(f"&{name}={value}" for name, value in parameters.items())
    answer = await client.get(f"/qr?url={encode(content, safe='')}{rest}")
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        picture = seen(FORMATS[answer.headers["content-type"]], answer.content)
        size = int(float(parameters.get("size", "600")))
        assert picture.size == (size, size)
        assert read(picture) == content


@NO_DEADLINE
@given(
    url=st.none() | CONTENTS,
    parameters=st.lists(st.tuples(st.sampled_from(NAMES), st.text(max_size=8)), max_size=4),
    accept=st.text("aimg/*,;q=.+svxepndf", max_size=30),
)
async def test_no_query_is_a_500(
    client: httpx.AsyncClient, url: str | None, parameters: list[tuple[str, str]], accept: str
) -> None:
    pairs = [*([("url", url)] if url is not None else []), *parameters]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    answer = await client.get(f"/qr?{query}", headers={"Accept": accept})
    assert answer.status_code in (200, 400, 422), answer.text
    assert (answer.status_code == 400) == (url is None)
    assert answer.headers["access-control-allow-origin"] == "*"


@given(query=st.binary(max_size=60) | st.binary(max_size=40).map(b"url=".__add__), accept=st.text(max_size=30))
def test_any_bytes_are_a_drawing_or_refused(query: bytes, accept: str) -> None:
    with contextlib.suppress(ApiError, RequestValidationError):
        assert drawing_of(query, accept).content
