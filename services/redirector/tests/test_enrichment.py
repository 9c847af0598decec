import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.events.clicks import decode_click, encode
from redirector.clicks import record as records
from redirector.clicks.agents import agent_of
from redirector.clicks.bots import bot_reason
from redirector.clicks.enrichment import Enricher, utm_of
from redirector.clicks.geo import CityGeo, CountryGeo, Place, continent_of, edge_place
from redirector.clicks.record import ClickRecord
from redirector.clicks.referrers import bare_domain
from redirector.clicks.visitors import is_destroyed, utc_day, visitor_hash

RecordOf = Callable[..., ClickRecord]
GEO = CountryGeo()
ENRICHER = Enricher("ab" * 16, GEO)
SALTS = {"2025-09-06": b"s" * 32}
TIME = 1_757_161_267_873
HOUR = 3_600_000
IPV4_ONLY = b"".join(
    [
        bytes([0, 0, 1, 0, 0, 1]),  # a tree of one node, both of whose branches lead to nothing
        bytes(16),
        b"\xab\xcd\xefMaxMind.com",
        b"\xe9",  # a map of nine
        *(b"\x4a" + b"node_count", b"\xc1\x01"),
        *(b"\x4b" + b"record_size", b"\xa1\x18"),
        *(b"\x4a" + b"ip_version", b"\xa1\x04"),
        *(b"\x4d" + b"database_type", b"\x44Test"),
        *(b"\x49" + b"languages", b"\x00\x04"),
        *(b"\x5b" + b"binary_format_major_version", b"\xa1\x02"),
        *(b"\x5b" + b"binary_format_minor_version", b"\xa0"),
        *(b"\x4b" + b"build_epoch", b"\x01\x02\x01"),
        *(b"\x4b" + b"description", b"\xe0"),
    ]
)
"""The smallest database file there is (MaxMind DB 2.0)."""
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {WEBKIT}"
IPAD = f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {WEBKIT} Version/16.6 Mobile/15E148 Safari/604.1"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KHTML} Chrome/126.0.0.0 Safari/537.36"
FIREFOX = "rv:127.0) Gecko/20100101 Firefox/127.0"
CHROME = f"{KHTML} Chrome/126.0.0.0"
FACEBOOK = "Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/470.0.0.0;]"

PEOPLE = [
    (WINDOWS, "Windows", "Chrome", "Desktop"),
    (f"{WINDOWS} Edg/126.0.0.0", "Windows", "Edge", "Desktop"),
    (f"{MAC} {WEBKIT} Version/17.5 Safari/605.1.15", "Mac OS", "Safari", "Desktop"),
    (f"Mozilla/5.0 (X11; Linux x86_64; {FIREFOX}", "Linux", "Firefox", "Desktop"),
    (f"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; {FIREFOX}", "Linux", "Firefox", "Desktop"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "Chrome OS", "Chrome", "Desktop"),
    (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", "iOS", "Safari", "Mobile"),
    (f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "iOS", "Chrome", "Mobile"),
    (f"{IPHONE} Mobile/15E148 Instagram 334.0.0 (iPhone14,5; iOS 17_5; pt_BR)", "iOS", "Instagram", "Mobile"),
    (IPAD, "iOS", "Safari", "Tablet"),
    (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36", "Android", "Chrome", "Mobile"),
    (f"Mozilla/5.0 (Linux; Android 13; SM-X710) {CHROME} Safari/537.36", "Android", "Chrome", "Tablet"),
    (
        f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {KHTML} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        "Android",
        "Samsung Internet",
        "Mobile",
    ),
    (f"Mozilla/5.0 (Linux; Android 12; SM-G991B; wv) {KHTML} {FACEBOOK}", "Android", "Facebook", "Mobile"),
    (f"Mozilla/5.0 (Linux; U; Android 13; CUBOT X70) {CHROME} Mobile Safari/537.36", "Android", "Chrome", "Mobile"),
]


@pytest.mark.parametrize(("user_agent", "system", "browser", "device"), PEOPLE)
def test_people(user_agent: str, system: str, browser: str, device: str) -> None:
    agent = agent_of(user_agent)
    assert (agent.os, agent.browser, agent.device) == (system, browser, device)
    assert bot_reason(head=False, purpose="", user_agent=user_agent, spider=agent.spider) is None


@pytest.mark.parametrize(
    "user_agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {CHROME} Mobile Safari/537.36 (compatible; Googlebot/2.1)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "WhatsApp/2.23.20.0 A",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Twitterbot/1.0",
        "TelegramBot (like TwitterBot)",
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        f"{MAC} {KHTML} HeadlessChrome/126.0.0.0 Safari/537.36",
        "curl/8.5.0",
        "Wget/1.21",
        "python-requests/2.32",
        "Go-http-client/2.0",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    ],
)
def test_crawlers(user_agent: str) -> None:
    spider = agent_of(user_agent).spider
    assert bot_reason(head=False, purpose="", user_agent=user_agent, spider=spider) == "ua"


@pytest.mark.parametrize(
    ("head", "purpose", "user_agent", "reason"),
    [
        (True, "", PEOPLE[0][0], "head"),
        (False, "prefetch", PEOPLE[0][0], "prefetch"),
        (False, "prefetch;prerender", PEOPLE[0][0], "prefetch"),
        (False, "Preview", PEOPLE[0][0], "prefetch"),
        (False, "", "", "no_ua"),
        (False, "", "  ", "no_ua"),
        (False, "navigate", PEOPLE[0][0], None),
    ],
)
def test_reasons(head: bool, purpose: str, user_agent: str, reason: str | None) -> None:
    assert bot_reason(head=head, purpose=purpose, user_agent=user_agent, spider=False) == reason


def test_a_click_is_completed(record_of: RecordOf) -> None:
    event = ENRICHER.complete(record_of(), 77, SALTS, TIME)
    assert (event.continent, event.country, event.os, event.browser, event.device) == (
        "SA", "BR", "Windows", "Chrome", "Desktop",
    )  # fmt: skip
    assert (event.referrer, event.language, event.utm_source, event.bot) == ("google.com", "pt", "news", False)
    assert (event.spool, event.position, event.trigger) == ("ab" * 16, 77, "link")
    assert event.visitor == visitor_hash(SALTS["2025-09-06"], "200.147.35.149", event.user_agent)
    assert b"200.147" not in encode(event)
    assert decode_click(encode(event)) == event


def test_visitors(record_of: RecordOf) -> None:
    def visitor(now_ms: int = TIME, **changes: object) -> str | None:
        return ENRICHER.complete(record_of(**changes), 0, SALTS, now_ms).visitor

    assert visitor() == visitor()
    assert visitor() != visitor(address="200.147.35.150")
    assert visitor() != visitor(user_agent="x")
    assert visitor(address="") is None
    assert visitor(time=TIME + 24 * HOUR) is None  # no salt of that day
    assert visitor(now_ms=TIME + 30 * HOUR) == visitor()
    assert visitor(now_ms=TIME + 48 * HOUR) is None


def test_a_salt_lives_48_hours_from_the_beginning_of_its_day() -> None:
    begun = 1_757_116_800_000
    assert utc_day(begun) == "2025-09-06"
    assert not is_destroyed("2025-09-06", begun + 48 * HOUR - 1)
    assert is_destroyed("2025-09-06", begun + 48 * HOUR)


text = st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda value: value.decode("latin-1")))


@given(agent=text, referrer=text, language=text, purpose=text, target=text, city=text)
def test_no_header_breaks_it(
    record_of: RecordOf, agent: str, referrer: str, language: str, purpose: str, target: str, city: str
) -> None:
    record = record_of(
        user_agent=agent,
        referrer=referrer,
        language=language,
        purpose=purpose,
        target=f"https://e.com/?utm_source={target}",
        edge_place=(city, city, city),
    )
    read = records.decode(records.encode(record))
    assert json.loads(encode(ENRICHER.complete(read, 1, SALTS, TIME)))["id"] == record.id
    assert b"\n" not in records.encode(record)


@pytest.mark.parametrize(
    ("referrer", "domain"),
    [
        ("https://www.Google.com/search?q=1", "google.com"),
        ("http://t.co", "t.co"),
        ("https://user:pw@news.example:8443/x", "news.example"),
        ("android-app://com.google.android.gm/", "com.google.android.gm"),
        ("", None),
        ("about:blank", None),
        ("/relative", None),
        ("https://[broken", None),
        ("https://", None),
    ],
)
def test_referrers(referrer: str, domain: str | None) -> None:
    assert bare_domain(referrer) == domain


def test_utm_in_effect() -> None:
    found = utm_of("https://e.com/?utm_source=a%20b&utm_medium=+&x=1#utm_term=no")
    assert found == {
        "utm_source": "a b",
        "utm_medium": None,
        "utm_campaign": None,
        "utm_term": None,
        "utm_content": None,
    }


def test_places() -> None:
    assert GEO.place("8.8.8.8") == Place("NA", "US")
    assert GEO.place("2804:14c::1") == Place("SA", "BR")
    assert GEO.place("127.0.0.1") == GEO.place("") == GEO.place("10.0.0.1") == Place()
    assert edge_place(("pt", "11", "Lisboa")) == Place("EU", "PT", "11", "Lisboa")
    assert edge_place(("XX", "", "")) is None
    assert edge_place(("T1", "", "")) is None


def test_continents() -> None:
    addresses = {"AU": "1.120.5.1", "ZA": "196.25.1.1", "JP": "126.10.20.1", "DE": "91.64.10.1"}
    assert {country: GEO.place(address).country for country, address in addresses.items()} == {c: c for c in addresses}
    assert [continent_of(code) for code in ("AU", "ZA", "JP", "DE", "BR", "US", "AQ", "ZZ")] == [
        *("OC", "AF", "AS", "EU", "SA", "NA", "AN", "Unknown")
    ]


def test_an_ipv6_address_in_a_file_of_ipv4_is_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "city.mmdb"
    file.write_bytes(IPV4_ONLY)
    geo = CityGeo(file)
    assert geo.place("2804:14c::1") == Place()
    assert geo.place("8.8.8.8") == geo.place("nonsense") == Place()


def test_the_bare_event_has_only_what_the_record_says(record_of: RecordOf) -> None:
    event = ENRICHER.bare(record_of(head=True, qr=True), 7)
    assert (event.country, event.city, event.os, event.device, event.visitor) == (*["Unknown"] * 4, None)
    assert (event.target, event.trigger, event.bot_reason, event.position) == (record_of().target, "qr", "head", 7)
    assert decode_click(encode(event)) == event
