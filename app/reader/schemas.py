"""Readium's models, as they are served (readium.org/webpub-manifest, positions)."""

from __future__ import annotations

from typing import Any

import msgspec


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """A link object of a manifest."""

    href: str
    type: str = ""
    rel: str | list[str] = ""
    title: str = ""
    properties: dict[str, Any] = {}
    children: list[Link] = []
    width: int | None = None
    height: int | None = None


class Contributor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who had a part in it."""

    name: str
    sort_as: str | None = msgspec.field(default=None, name="sortAs")


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """The metadata of a manifest."""

    type: str = msgspec.field(name="@type", default="")
    title: str
    identifier: str = ""
    conforms_to: str = ""
    author: list[Contributor] = []
    translator: list[Contributor] = []
    editor: list[Contributor] = []
    illustrator: list[Contributor] = []
    contributor: list[Contributor] = []
    publisher: str = ""
    language: list[str] = []
    published: str = ""
    description: str = ""
    subject: list[str] = []
    number_of_pages: int | None = None
    reading_progression: str = ""
    layout: str = ""


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    """A Readium Web Publication Manifest."""

    context: str = msgspec.field(
        name="@context", default="https://readium.org/webpub-manifest/context.jsonld"
    )
    metadata: Metadata
    links: list[Link]
    reading_order: list[Link]
    resources: list[Link] = []
    toc: list[Link] = []


class Locations(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Where in a resource."""

    position: int
    progression: float
    total_progression: float
    fragments: list[str] = []


class Locator(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place in a publication; ``href`` is the path inside it."""

    href: str
    type: str
    locations: Locations
    title: str = ""


class Positions(msgspec.Struct, frozen=True):
    """Every position of a publication (readium.org/architecture/models/locators/positions)."""

    total: int
    positions: list[Locator]
