"""What the handbook says can be found, is found in the demonstration library."""

import pytest
from house import House


def titles(library: House, query: str) -> list[str]:
    """The titles that a reader sees first."""
    answer = library.client.get("/api/v1/search", query_string={"q": query, "limit": 50})
    return [item["title"] for item in answer.get_json()["items"]]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("楼梦", "红楼梦"),
        ("经注", "水经注"),
        ("药", "药"),
        ("紅樓夢", "红楼梦"),
        ("红楼梦", "紅樓夢"),
        ("曹雪芹 红楼梦", "红楼梦"),
        ("石头记", "红楼梦"),
        ("hongloumeng", "红楼梦"),
        ("hong lou meng", "红楼梦"),
        ("hlm", "红楼梦"),
        ("tgkw", "天工开物"),
        ("origin species", "On the Origin of Species"),
        ("austen prejudice", "Pride and Prejudice"),
        ("voyages", "The Voyage of the Beagle"),
        ("读者手册", "开卷读者手册"),
    ],
)
def test_a_reader_finds_what_the_handbook_promises(library: House, query: str, title: str) -> None:
    assert title in titles(library, query)


def test_a_wrong_character_is_mended(library: House) -> None:
    answer = library.client.get("/api/v1/search", query_string={"q": "本草刚目"}).get_json()
    assert (answer["correction"], answer["total"]) == ("本草纲目", 2)


def test_letters_are_completed_to_titles(library: House) -> None:
    answer = library.client.get("/api/v1/suggest", query_string={"q": "tgk"}).get_json()
    assert {item["text"] for item in answer["items"]} & {"天工开物", "天工開物"}


def test_a_library_includes_those_below_it(library: House) -> None:
    totals = [
        library.client.get("/api/v1/search", query_string={"library": name}).get_json()["total"]
        for name in ("demo", "demo-east", "demo-east-a", "demo-east-a-1")
    ]
    assert totals == sorted(totals, reverse=True)
    assert 0 < totals[-1] < totals[0]


def test_every_facet_is_alive(library: House) -> None:
    facets = library.client.get("/api/v1/search").get_json()["facets"]
    few = {name: len(values) for name, values in facets.items() if len(values) < 6}
    assert few == {"available": 1}  # the books are not taken in here
