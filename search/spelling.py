"""Mending a mistyped Chinese word by the titles that may have been meant."""

from collections.abc import Iterable


def nearest_in_titles(run: str, titles: Iterable[str]) -> str | None:
    """The piece of a folded title nearest to ``run``; of equally near ones the shortest title's.

    None when every piece is farther than a quarter of the characters, and one at least.
    """
    best: tuple[int, int, str] | None = None
    farthest = max(1, len(run) // 4)
    for title in dict.fromkeys(titles):
        # Each of these is an edit; measuring a long query against every title takes seconds.
        if sum(character not in title for character in run) > farthest:
            continue
        distance, piece = nearest_piece(run, title)
        if distance <= farthest and piece != run and len(piece) > 1:
            best = min(best or (distance, len(title), piece), (distance, len(title), piece))
    return best[2] if best else None


def nearest_piece(run: str, title: str) -> tuple[int, str]:
    """The edit distance from ``run`` to its nearest piece of ``title``, and that piece.

    Sellers' algorithm: the piece may begin and end anywhere ("The theory and computation of
    evolutionary distances", Journal of Algorithms 1, 1980).
    """
    row = [(0, start) for start in range(len(title) + 1)]
    for count, wanted in enumerate(run, 1):
        above, row = row, [(count, 0)]
        for place, character in enumerate(title, 1):
            replaced = (above[place - 1][0] + (wanted != character), above[place - 1][1])
            dropped = (above[place][0] + 1, above[place][1])
            added = (row[place - 1][0] + 1, row[place - 1][1])
            row.append(min(replaced, dropped, added, key=lambda cell: cell[0]))
    end = min(range(len(row)), key=lambda place: row[place][0])
    distance, start = row[end]
    return distance, title[start:end]
