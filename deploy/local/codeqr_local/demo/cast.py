"""Who visits the demo's link: places, browsers, referrers and bots, each with a weight.

The networks are public /24s that the country database in the redirector knows; nothing is ever sent to them. They only
stand in `X-Forwarded-For`, which the local stack believes when it comes from loopback.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A country with a public /24 network of it (first three octets) and what its browsers ask for."""

    country: str
    name: str
    network: str
    language: str
    weight: int


class Browser(NamedTuple):
    """A User-Agent as that browser sends it; `phone` ones may scan the QR code."""

    name: str
    phone: bool
    user_agent: str
    weight: int


class Bot(NamedTuple):
    """A visit that must not count: a crawler, a HEAD request, a prefetch."""

    name: str
    method: str
    headers: dict[str, str]


PLACES = (
    Place("BR", "Brazil", "189.6.10", "pt-BR,pt;q=0.9", 24),
    Place("US", "United States", "73.162.10", "en-US,en;q=0.9", 18),
    Place("JP", "Japan", "126.10.20", "ja-JP,ja;q=0.9", 10),
    Place("DE", "Germany", "91.64.10", "de-DE,de;q=0.9,en;q=0.5", 9),
    Place("GB", "United Kingdom", "86.10.20", "en-GB,en;q=0.9", 8),
    Place("IN", "India", "49.36.10", "en-IN,hi;q=0.8", 8),
    Place("ES", "Spain", "88.6.12", "es-ES,es;q=0.9", 6),
    Place("FR", "France", "82.64.20", "fr-FR,fr;q=0.9", 6),
    Place("PT", "Portugal", "85.240.3", "pt-PT,pt;q=0.9", 5),
    Place("MX", "Mexico", "187.190.10", "es-MX,es;q=0.9", 5),
    Place("NG", "Nigeria", "105.112.10", "en-NG,en;q=0.9", 4),
    Place("ID", "Indonesia", "114.4.10", "id-ID,id;q=0.9", 4),
    Place("KR", "South Korea", "220.75.10", "ko-KR,ko;q=0.9", 3),
    Place("AU", "Australia", "1.120.5", "en-AU,en;q=0.9", 3),
    Place("IT", "Italy", "151.20.5", "it-IT,it;q=0.9", 3),
    Place("ZA", "South Africa", "196.25.1", "en-ZA,en;q=0.9", 2),
)

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8)"
_GALAXY = "Mozilla/5.0 (Linux; Android 14; SM-S921B)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"

BROWSERS = (
    Browser("Chrome, Android", True, f"{_ANDROID} {_KHTML} Chrome/126.0.0.0 Mobile Safari/537.36", 26),
    Browser("Safari, iPhone", True, f"{_IPHONE} {_WEBKIT} Version/17.5 Mobile/15E148 Safari/604.1", 24),
    Browser("Chrome, Windows", False, f"{_WINDOWS} {_KHTML} Chrome/126.0.0.0 Safari/537.36", 18),
    Browser("Safari, Mac", False, f"{_MAC} {_WEBKIT} Version/17.5 Safari/605.1.15", 9),
    Browser(
        "Samsung Internet",
        True,
        f"{_GALAXY} {_KHTML} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        8,
    ),
    Browser("Edge, Windows", False, f"{_WINDOWS} {_KHTML} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", 7),
    Browser("Firefox, Linux", False, "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", 5),
    Browser("Chrome, iPhone", True, f"{_IPHONE} {_WEBKIT} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", 3),
)

REFERRERS: tuple[tuple[str | None, int], ...] = (
    (None, 40),
    ("https://www.google.com/", 20),
    ("https://www.instagram.com/", 14),
    ("https://news.ycombinator.com/item?id=1", 10),
    ("https://t.co/", 9),
    ("https://github.com/", 7),
)

_CHROME = BROWSERS[2].user_agent

BOTS = (
    Bot("Googlebot", "GET", {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}),
    Bot(
        "Slack preview",
        "GET",
        {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    ),
    Bot("HEAD request", "HEAD", {"User-Agent": _CHROME}),
    Bot("prefetch", "GET", {"User-Agent": _CHROME, "Sec-Purpose": "prefetch"}),
)
