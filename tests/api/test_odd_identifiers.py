"""Identifiers of a seed may be any text; what carries them must not break on it."""

from pathlib import Path
from urllib.parse import quote

from bankside import FATIMA_CURRENT
from support import Client, copy_of_tiny

from sandbox.core.settings import Settings


def test_a_page_link_of_an_account_with_an_arabic_identifier_can_be_followed(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "odd")
    for path in folder.glob("*.json"):
        path.write_text(path.read_text(encoding="utf-8").replace(FATIMA_CURRENT, "حساب <1>"), encoding="utf-8")
    client = Client(Settings(ecosystem=str(folder), transport_clock="virtual", image_cache=False))
    fatima = client.login("fatima")

    first = fatima.get(f"/v1/accounts/{quote('حساب <1>')}/transactions?limit=1")
    following = first.headers["link"].split(">")[0].lstrip("<")

    assert fatima.get(following).json()["items"][0] != first.json()["items"][0]
    client.close()
