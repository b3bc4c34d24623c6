"""Pictures that were used before, known by their digests or by prefixes of them."""

from collections.abc import Iterable

from faceage_edge.errors import FacesError

__all__ = ["UsedPictures"]

# 40 bits: among a million pictures two share a prefix by chance with probability 0.4.
_SHORTEST_PREFIX = 10


class UsedPictures:
    """Tells whether a picture is among those used before.

    >>> used = UsedPictures(["ab" * 32, "cdcdcdcdcd"])
    >>> "ab" * 32 in used, "cd" * 32 in used, "ef" * 32 in used
    (True, True, False)
    """

    def __init__(self, digests: Iterable[str]) -> None:
        """Remember what was used.

        Args:
            digests: SHA-256 digests in hex, in either case, or prefixes of at least ten digits.

        Raises:
            FacesError: a digest is too short to tell pictures apart.
        """
        self._by_length: dict[int, set[str]] = {}
        for digest in digests:
            if len(digest) < _SHORTEST_PREFIX:
                raise FacesError(
                    f"the picture digest {digest!r} is too short to tell pictures apart; "
                    f"expected at least {_SHORTEST_PREFIX} hex digits"
                )
            self._by_length.setdefault(len(digest), set()).add(digest.lower())

    def __contains__(self, digest: str) -> bool:
        """Whether the picture with this whole digest, in lower case, was used."""
        return any(digest[:length] in known for length, known in self._by_length.items())
