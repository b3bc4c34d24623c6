"""Addresses to listen on, as typed."""

import pytest

from faceage_edge.address import Address, parse_address
from faceage_edge.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("8000", Address("127.0.0.1", 8000), True),
        ("localhost:80", Address("localhost", 80), True),
        ("0.0.0.0:8000", Address("0.0.0.0", 8000), False),
        ("[::1]:8000", Address("::1", 8000), True),
        ("[::]:8000", Address("::", 8000), False),
        ("kiosk.example:8000", Address("kiosk.example", 8000), False),
        ("127.0.0.2:1", Address("127.0.0.2", 1), True),
    ],
)
def test_addresses_are_read(text: str, address: Address, loopback: bool) -> None:
    """A port alone means this machine alone."""
    found = parse_address(text, "--preview")
    assert found == address
    assert found.is_loopback is loopback
    assert parse_address(str(found), "--preview") == found


@pytest.mark.parametrize("text", ["", "http://x", ":8000", "65536", "host:", "-1", "٣"])
def test_anything_else_is_refused(text: str) -> None:
    """With what was expected."""
    with pytest.raises(UsageError, match=r"expected a port such as 8000"):
        parse_address(text, "--preview")
