"""Operating system, browser and kind of device by the user agent."""

import re
from dataclasses import dataclass
from functools import lru_cache

from ua_parser import Parser
from ua_parser.caching import CachingResolver, S3Fifo
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from codeqr_common.events.clicks import UNKNOWN

CACHE_AGENTS = 10_000
OPERATING_SYSTEMS = {
    "Mac OS X": "Mac OS",
    "Mac OS": "Mac OS",
    "iOS": "iOS",
    "Android": "Android",
    "Windows": "Windows",
    "Windows Phone": "Windows Phone",
    "Chrome OS": "Chrome OS",
    "Chromecast": "Chromecast",
    "tvOS": "tvOS",
    "ATV OS X": "tvOS",
    "WatchOS": "watchOS",
    "Tizen": "Tizen",
    "WebTV": "TV",
    "KaiOS": "KaiOS",
    "HarmonyOS": "HarmonyOS",
}
LINUXES = frozenset(
    {"Linux", "Ubuntu", "Debian", "Fedora", "Red Hat", "CentOS", "Gentoo", "SUSE", "openSUSE", "Arch Linux", "Mint",
     "Linux Mint", "Kubuntu", "Mageia", "Mandriva", "Slackware", "PCLinuxOS", "Puppy", "VectorLinux"}
)  # fmt: skip
DRESSING = re.compile(r"^Mobile | Mobile\b| iOS$| WebView$|/WKWebView$")
TELEVISION = re.compile(
    r"smart-?tv|appletv|googletv|hbbtv|\btv\b|web0s|webos.+tv|netcast|viera|bravia|roku|crkey|aft[a-z]{1,2}\b", re.I
)
CONSOLE = re.compile(r"playstation|xbox|nintendo", re.I)
WATCH = re.compile(r"\bwatch\b|watchos|wearable", re.I)
TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|\bsm-t\d", re.I)
PHONE = re.compile(r"mobile|iphone|ipod|phone|blackberry|opera mini|\bbb10\b|kaios", re.I)
DESKTOPS = frozenset({"Windows", "Mac OS", "Linux", "Chrome OS"})


@dataclass(frozen=True)
class Agent:
    os: str = UNKNOWN
    browser: str = UNKNOWN
    device: str = UNKNOWN
    """Desktop, Mobile, Tablet, TV, Console, Watch or Unknown."""
    spider: bool = False


_parser = Parser(CachingResolver(Resolver(load_builtins()), S3Fifo(CACHE_AGENTS)))


@lru_cache(maxsize=CACHE_AGENTS)
def agent_of(user_agent: str) -> Agent:
    """What a user agent says of itself; Unknown where it says nothing."""
    if not user_agent.strip():
        return Agent()
    parsed = _parser.parse(user_agent)
    system = _system(parsed.os.family if parsed.os else "")
    return Agent(
        os=system,
        browser=_browser(parsed.user_agent.family if parsed.user_agent else ""),
        device=_device(user_agent, system),
        spider=parsed.device is not None and parsed.device.family == "Spider",
    )


def _system(family: str) -> str:
    if family in LINUXES:
        return "Linux"
    return OPERATING_SYSTEMS.get(family, family if family and family != "Other" else UNKNOWN)


def _browser(family: str) -> str:
    if not family or family == "Other":
        return UNKNOWN
    return DRESSING.sub("", family).strip() or UNKNOWN


def _device(user_agent: str, system: str) -> str:
    if TELEVISION.search(user_agent):
        return "TV"
    if CONSOLE.search(user_agent):
        return "Console"
    if WATCH.search(user_agent):
        return "Watch"
    if TABLET.search(user_agent):
        return "Tablet"
    if PHONE.search(user_agent):
        return "Mobile"
    if system == "Android":  # by Google's rule a phone says "Mobile"
        return "Tablet"
    return "Desktop" if system in DESKTOPS else UNKNOWN
