"""A part of a page that is renewed: what stands between two comments that do not show."""

from faceage_benchmarks.errors import ResultFileError

__all__ = ["with_marked"]


def with_marked(text: str, marks: tuple[str, str], inner: str, *, where: str, what: str) -> str:
    """Return a page's text with another part between its two comments.

    Args:
        text: the page.
        marks: the comments, each a line of its own.
        inner: what is to stand between them, ending its last line.
        where: the page's name, for the message.
        what: the part's name, for the message.

    Raises:
        ResultFileError: the two comments do not stand in it once each, in order.
    """
    begin, end = marks
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    if text.count(begin) != 1 or text.count(end) != 1 or end not in rest:
        raise ResultFileError(
            f"{where} has no place for {what}; expected the lines {begin} and {end} once "
            "each, in this order"
        )
    return f"{before}{begin}\n\n{inner}\n{end}{after}"
