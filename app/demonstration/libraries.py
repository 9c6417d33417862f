"""A small network for the demonstration: libraries named by their role, none of them real."""

from __future__ import annotations

from app.identity.network import Entry

ROOT = "demo"
LIBRARIES = (
    Entry(ROOT, "示范国家图书馆", "national"),
    Entry("demo-east", "示范东省图书馆", "province", ROOT),
    Entry("demo-east-a", "示范东省甲市图书馆", "city", "demo-east"),
    Entry("demo-east-a-1", "示范甲市子县图书馆", "county", "demo-east-a"),
    Entry("demo-east-a-2", "示范甲市丑县图书馆", "county", "demo-east-a"),
    Entry("demo-east-b", "示范东省乙市图书馆", "city", "demo-east"),
    Entry("demo-west", "示范西省图书馆", "province", ROOT),
    Entry("demo-west-c", "示范西省丙市图书馆", "city", "demo-west"),
    Entry("demo-west-c-1", "示范丙市寅县图书馆", "county", "demo-west-c"),
    Entry("demo-special", "示范少年儿童图书馆", "special", ROOT),
)
BY_NAME = {library.name: library.id for library in LIBRARIES}
