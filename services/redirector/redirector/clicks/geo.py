"""The place of an address: the country from data in a package, region and city where an mmdb file is given."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import geoip2fast
from geoip2fast import GeoIP2Fast

from codeqr_common.events.clicks import UNKNOWN

COUNTRY = re.compile(r"[A-Z]{2}")
NO_COUNTRY = frozenset({"XX", "T1", "EU", "AP"})
"""Codes of edges and registries that name no country."""
MAX_NAME = 100


@dataclass(frozen=True)
class Place:
    """Continent (AF, AN, AS, EU, NA, OC, SA) and country by code, region by its code in the country, city by name."""

    continent: str = UNKNOWN
    country: str = UNKNOWN
    region: str = UNKNOWN
    city: str = UNKNOWN


class Geo(Protocol):
    def place(self, address: str) -> Place:
        """The place of an address as `client_address` gives it; Unknown where nothing is known. Never raises."""


def continent_of(country: str) -> str:
    """The continent of a country code, or Unknown."""
    return _CONTINENTS.get(country, UNKNOWN)


def edge_place(told: tuple[str, str, str]) -> Place | None:
    """The place that a trusted edge told (country, region, city), or None if it told no country."""
    country, region, city = told
    country = country.strip().upper()
    if not COUNTRY.fullmatch(country) or country in NO_COUNTRY:
        return None
    return Place(
        continent_of(country), country, region.strip()[:MAX_NAME] or UNKNOWN, city.strip()[:MAX_NAME] or UNKNOWN
    )


def open_geo(mmdb: Path | None) -> Geo:
    """The best source there is. Raises `OSError` (or what maxminddb raises) if a file is named and cannot be read."""
    return CityGeo(mmdb) if mmdb is not None else CountryGeo()


class CountryGeo:
    """geoip2fast's own data, IPv4 and IPv6."""

    def __init__(self) -> None:
        data = Path(geoip2fast.__file__).parent / "geoip2fast-ipv6.dat.gz"
        self._database: Any = GeoIP2Fast(geoip2fast_data_file=str(data))

    def place(self, address: str) -> Place:
        country = str(self._database.lookup(address).country_code) if address else ""
        if not COUNTRY.fullmatch(country) or country in NO_COUNTRY:
            return Place()
        return Place(continent_of(country), country)


class CityGeo:
    """A GeoIP2 or GeoLite2 City file."""

    def __init__(self, mmdb: Path) -> None:
        import maxminddb

        self._database: Any = maxminddb.open_database(str(mmdb))

    def place(self, address: str) -> Place:
        found = self._found(address)
        country = found.get("country", {}).get("iso_code")
        if not country:
            return Place()
        regions = found.get("subdivisions") or [{}]
        return Place(
            found.get("continent", {}).get("code") or continent_of(country),
            country,
            regions[0].get("iso_code") or UNKNOWN,
            found.get("city", {}).get("names", {}).get("en") or UNKNOWN,
        )

    def _found(self, address: str) -> dict[str, Any]:
        try:
            return (self._database.get(address) if address else None) or {}
        except ValueError:  # an IPv6 address, and the file holds only IPv4
            return {}


def _read_continents() -> dict[str, str]:
    lines = (Path(__file__).parent / "continents.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {country: row[0] for row in rows for country in row[1:]}


_CONTINENTS = _read_continents()
