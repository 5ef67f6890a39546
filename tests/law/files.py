"""The law's test vectors as they lie in ``vectors``: one in a file of its own, or one a line, as `arrears verdict` reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from arrears.cli.verdict import Vector

VECTORS = Path(__file__).with_name("vectors")


def vectors(place: str = "") -> Iterator[tuple[str, Vector]]:
    """Every vector of a place, or of all, with where it lies."""
    for file in sorted((VECTORS / place).glob("**/*.json*")):
        found = [file.read_bytes()] if file.suffix == ".json" else file.read_bytes().splitlines()
        where = file.relative_to(VECTORS).as_posix()
        for line, document in enumerate(found, start=1):
            yield where if file.suffix == ".json" else f"{where}:{line}", Vector.model_validate_json(document)
