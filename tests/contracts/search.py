"""What every search backend must do; each runs it by a class with an ``index`` fixture, empty."""

import threading
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from search.documents import Document, Tombstone
from search.index import EXACT_TO, Facet, Query, QueryRefusedError, SearchIndex, Sort, Status

DREAM = Document(
    id="dream",
    version=1,
    kind="book",
    title="紅樓夢",
    other_titles=("石頭記",),
    agents=("曹雪芹", "高鹗"),
    subjects=("章回小说 -- 中国 -- 清代",),
    subject_codes=("clc:I242.4", "clc:I242", "clc:I2", "clc:I"),
    publisher="人民文学出版社",
    description="贾、史、王、薛四大家族的兴衰。",
    identifiers=("978-7-02-000220-7",),
    language="zh",
    year=1982,
    library="national",
    library_path="/national/",
    available=True,
    work="w-dream",
    added_at="2026-01-02T00:00:00Z",
)
STUDIES = Document(
    id="studies",
    version=1,
    kind="book",
    title="《红楼梦》研究",
    agents=("俞平伯",),
    subject_codes=("clc:I207", "clc:I2", "clc:I"),
    language="zh",
    year=1952,
    library="county",
    library_path="/national/province/county/",
    added_at="2026-01-03T00:00:00Z",
)
ALICE = Document(
    id="alice",
    version=1,
    kind="book",
    title="Alice’s Adventures in Wonderland",
    agents=("Carroll, Lewis",),
    language="en",
    year=1865,
    added_at="2026-01-01T00:00:00Z",
)
GAZETTEER = Document(
    id="gazetteer",
    version=1,
    kind="item",
    title="重慶府志 十二卷",
    language="zh",
    library="province",
    library_path="/national/province/",
    audience=("library:province",),
    added_at="2026-01-04T00:00:00Z",
)
SHELF = (DREAM, STUDIES, ALICE, GAZETTEER)
EVERYBODY = ("public", "library:province")


def found(index: SearchIndex, words: str, **rest: object) -> list[str]:
    """The ids that a query finds, in order."""
    return [hit.id for hit in index.search(_query(words, rest)).items]


def _query(words: str, rest: dict[str, object]) -> Query:
    return replace(Query(words=words), **rest)


def pages(index: SearchIndex, query: Query) -> Iterator[list[str]]:
    """The ids of each page of a list, to its end."""
    while True:
        hits = index.search(query)
        yield [hit.id for hit in hits.items]
        if hits.next is None:
            return
        query = replace(query, after=hits.next)


def many(count: int, **fields: object) -> list[Document]:
    """So many documents that differ in id, title, year and time."""
    return [
        replace(
            Document(
                id=f"n{number:05}",
                version=1,
                kind="book",
                title=f"丛书第{number}种",
                year=1900 + number % 7,
                added_at=f"2026-02-01T00:00:{number % 60:02}Z",
            ),
            **fields,
        )
        for number in range(count)
    ]


class Shelved:
    """The index with four records in it."""

    @pytest.fixture
    def shelf(self, index: SearchIndex) -> SearchIndex:
        index.write(SHELF)
        return index


class WritingContract(Shelved):
    """Batches, versions and withdrawals."""

    def test_every_item_of_a_batch_is_answered_for(self, index: SearchIndex) -> None:
        outcomes = index.write([DREAM, ALICE])
        assert [(one.id, one.status) for one in outcomes] == [
            ("dream", Status.WRITTEN),
            ("alice", Status.WRITTEN),
        ]

    def test_a_batch_may_be_repeated(self, shelf: SearchIndex) -> None:
        assert {one.status for one in shelf.write(SHELF)} == {Status.KEPT}
        assert shelf.count() == len(SHELF)

    def test_an_older_version_never_overwrites(self, shelf: SearchIndex) -> None:
        shelf.write([replace(DREAM, version=5, title="石頭記新編")])
        outcome = shelf.write([replace(DREAM, version=4)])[0]
        assert outcome.status is Status.KEPT
        assert shelf.versions(["dream", "nobody"]) == {"dream": 5}
        assert found(shelf, "新编") == ["dream"]

    def test_a_changed_title_is_found_and_the_old_one_is_not(self, shelf: SearchIndex) -> None:
        shelf.write([replace(STUDIES, version=2, title="甲骨文编")])
        assert found(shelf, "甲骨文") == ["studies"]
        assert found(shelf, "红楼梦") == ["dream"]
        assert shelf.count() == len(SHELF)

    def test_a_change_beside_the_text_is_seen_at_once(self, shelf: SearchIndex) -> None:
        shelf.write([replace(DREAM, version=2, available=False, subject_codes=("clc:I",))])
        assert found(shelf, "红楼梦", available=True) == []
        assert found(shelf, "红楼梦", subjects=("clc:I242",)) == []

    def test_a_withdrawn_record_is_gone_and_stays_gone(self, shelf: SearchIndex) -> None:
        shelf.write([Tombstone("dream", 2)])
        shelf.write([DREAM])
        assert found(shelf, "曹雪芹") == []
        assert shelf.count() == len(SHELF) - 1
        assert shelf.versions(["dream"]) == {}
        assert shelf.versions(["dream"], withdrawn=True) == {"dream": 2}

    def test_a_restored_record_is_found_again(self, shelf: SearchIndex) -> None:
        shelf.write([Tombstone("dream", 2)])
        shelf.write([replace(DREAM, version=3)])
        assert found(shelf, "曹雪芹") == ["dream"]

    def test_of_one_record_twice_in_a_batch_the_newest_counts(self, index: SearchIndex) -> None:
        index.write([replace(DREAM, version=3, title="新"), replace(DREAM, version=2)])
        assert index.versions(["dream"]) == {"dream": 3}

    def test_what_cannot_be_stored_is_refused_alone(self, index: SearchIndex) -> None:
        bad = replace(DREAM, id="bad", title="坏\ud800字")
        outcomes = index.write([bad, ALICE])
        assert [one.status for one in outcomes] == [Status.REFUSED, Status.WRITTEN]
        assert outcomes[0].reason


class FindingContract(Shelved):
    """One record found by everything a reader may type."""

    @pytest.mark.parametrize(
        "words",
        [
            "红楼梦", "紅樓夢", "红楼", "樓夢", "紅", "楼", "梦", "红楼 梦", "hlm", "hongloumeng",
            "hong lou meng", "HongLouMeng", "曹雪芹 红楼梦", "红楼梦曹雪芹", "石头记", "shitouji",
            "9787020002207", "7-02-000220-X", "ＩＳＢＮ 978-7-02-000220-7", "四大家族", "人民文学",
        ],
    )  # fmt: skip
    def test_the_dream_is_found_by(self, shelf: SearchIndex, words: str) -> None:
        assert found(shelf, words)[0] == "dream"

    @pytest.mark.parametrize(
        "words",
        ["alice", "ALICE'S", "alices adventures", "adventure wonderland", "wonderländ", "carroll"],
    )
    def test_alice_is_found_by(self, shelf: SearchIndex, words: str) -> None:
        assert found(shelf, words) == ["alice"]

    def test_marks_between_characters_are_looked_through(self, shelf: SearchIndex) -> None:
        assert found(shelf, "红楼梦研究") == ["studies"]

    def test_a_heteronym_sounds_as_in_its_phrase_and_as_alone(self, shelf: SearchIndex) -> None:
        for words in ("chongqingfuzhi", "zhongqing"):
            assert found(shelf, words, audience=EVERYBODY) == ["gazetteer"]

    def test_rare_and_private_characters_are_found_alone(self, index: SearchIndex) -> None:
        index.write([replace(DREAM, title="\U00020000甲\U000300f7乙\ue123")])
        for character in "\U00020000\U000300f7\ue123甲":
            assert found(index, character) == ["dream"]

    def test_a_whole_title_comes_before_titles_that_begin_with_it(self, index: SearchIndex) -> None:
        titles = ("红楼梦辞典", "评红楼梦", "红楼梦", "红楼梦人物论")
        index.write([replace(DREAM, id=title, title=title) for title in titles])
        assert found(index, "红楼梦")[0] == "红楼梦"

    def test_titles_come_before_descriptions(self, index: SearchIndex) -> None:
        mention = replace(DREAM, id="mention", title="四库提要", description="水经注，水经注。")
        index.write([mention, replace(DREAM, id="title", title="水经注疏校补", description="")])
        assert found(index, "水经注") == ["title", "mention"]

    def test_a_wrong_character_is_corrected_and_said(self, shelf: SearchIndex) -> None:
        hits = shelf.search(Query(words="红褛梦"))
        assert (hits.correction, hits.items[0].id) == ("红楼梦", "dream")

    def test_a_wrong_letter_is_corrected(self, shelf: SearchIndex) -> None:
        hits = shelf.search(Query(words="alice wonderlend"))
        assert (hits.correction, hits.items[0].id) == ("alice wonderland", "alice")

    def test_when_no_record_has_all_words_any_will_do(self, shelf: SearchIndex) -> None:
        hits = shelf.search(Query(words="曹雪芹 俞平伯"))
        assert hits.relaxed
        assert {hit.id for hit in hits.items} == {"dream", "studies"}

    def test_then_a_title_that_is_one_of_the_words_comes_first(self, index: SearchIndex) -> None:
        titles = ("红楼梦杂咏", "红楼梦风俗趣谈", "紅樓夢", "评红楼梦")
        index.write([replace(DREAM, id=title, title=title, agents=()) for title in titles])
        assert found(index, "施耐庵 红楼梦")[0] == "紅樓夢"

    @pytest.mark.parametrize("name", ["Cao, Xueqin", "Xueqin Cao", "CAO Xue-qin", "Cáo, Xuěqín"])
    def test_an_author_catalogued_in_pinyin_is_found(self, index: SearchIndex, name: str) -> None:
        index.write([replace(DREAM, agents=(name,)), STUDIES])
        assert found(index, "曹雪芹 红楼梦") == ["dream"]
        assert found(index, "曹雪芹") == ["dream"]

    @pytest.mark.parametrize(
        "words",
        ['"', "*", "红 OR 楼 NEAR(", "title:", "-红 +楼 ^", "'; DROP", "\ud800", "\x00", "。，"],
    )
    def test_operators_are_only_characters(self, shelf: SearchIndex, words: str) -> None:
        assert shelf.search(Query(words=words)).total >= 0

    def test_hostile_lengths_are_bounded(self, shelf: SearchIndex) -> None:
        for words in ("红" * 100_000, "a b " * 50_000, "hong" * 10_000, "e\u0301" * 50_000):
            assert shelf.search(Query(words=words)).total >= 0


class SeeingContract(Shelved):
    """Audience and filters."""

    def test_a_record_for_others_does_not_exist(self, shelf: SearchIndex) -> None:
        assert found(shelf, "重庆府志") == []
        assert found(shelf, "") == ["studies", "dream", "alice"]
        assert found(shelf, "重庆府志", audience=EVERYBODY) == ["gazetteer"]

    def test_without_a_token_nothing_exists(self, shelf: SearchIndex) -> None:
        hits = shelf.search(Query(audience=(), facets=tuple(Facet)))
        assert (hits.total, hits.items) == (0, ())
        assert shelf.suggest("红", audience=()) == []

    def test_no_correction_or_completion_tells_of_a_hidden_record(self, shelf: SearchIndex) -> None:
        assert shelf.search(Query(words="重庆腐志")).correction is None
        assert shelf.suggest("重庆") == []
        assert [one.id for one in shelf.suggest("重庆", audience=EVERYBODY)] == ["gazetteer"]

    @pytest.mark.parametrize(
        ("filters", "ids"),
        [
            ({"kinds": ("item",)}, ["gazetteer"]),
            ({"kinds": ("item", "book"), "languages": ("en",)}, ["alice"]),
            ({"languages": ("xx",)}, []),
            ({"subjects": ("clc:I2",)}, ["studies", "dream"]),
            ({"subjects": ("clc:I242", "clc:I207")}, ["studies", "dream"]),
            ({"library_path": "/national/province/"}, ["gazetteer", "studies"]),
            ({"years": (1900, 1960)}, ["studies"]),
            ({"years": (None, 1960)}, ["studies", "alice"]),
            ({"years": (1960, None)}, ["dream"]),
            ({"available": True}, ["dream"]),
        ],
    )
    def test_filters_hold(
        self, shelf: SearchIndex, filters: dict[str, object], ids: list[str]
    ) -> None:
        assert found(shelf, "", audience=EVERYBODY, **filters) == ids

    def test_filters_hold_with_words(self, shelf: SearchIndex) -> None:
        assert found(shelf, "红楼", years=(1950, 1960)) == ["studies"]
        assert found(shelf, "红楼", library_path="/national/province/") == ["studies"]


class CountingContract(Shelved):
    """Totals and facets."""

    def test_facets_count_what_was_found(self, shelf: SearchIndex) -> None:
        hits = shelf.search(Query(words="红楼梦", facets=(Facet.SUBJECT, Facet.YEAR)))
        assert hits.facets == {
            "subject": [
                ("clc:I", 2), ("clc:I2", 2), ("clc:I207", 1), ("clc:I242", 1), ("clc:I242.4", 1),
            ],
            "year": [("1950-1959", 1), ("1980-1989", 1)],
        }  # fmt: skip
        assert hits.facets_exact

    def test_facets_add_up_and_see_the_audience(self, shelf: SearchIndex) -> None:
        for audience in (("public",), EVERYBODY):
            hits = shelf.search(Query(audience=audience, facets=(Facet.KIND, Facet.AVAILABLE)))
            for values in hits.facets.values():
                assert sum(count for _, count in values) == hits.total

    def test_totals_and_facets_do_not_change_over_pages(self, index: SearchIndex) -> None:
        index.write(many(30))
        query = Query(words="丛书", limit=10, facets=(Facet.YEAR,))
        first = index.search(query)
        second = index.search(replace(query, after=first.next))
        assert (first.total, first.facets) == (second.total, second.facets)

    def test_large_answers_are_cut_and_say_so(self, index: SearchIndex) -> None:
        index.write(many(EXACT_TO + 5, title="丛书"))
        hits = index.search(Query(words="丛书", facets=(Facet.KIND,)))
        assert (hits.total, hits.total_exact, hits.facets_exact) == (EXACT_TO, False, False)
        assert hits.facets["kind"] == [("book", EXACT_TO)]
        everything = index.search(Query())
        assert (everything.total, everything.total_exact) == (EXACT_TO + 5, True)

    def test_of_a_very_large_answer_titles_come_first(self, index: SearchIndex) -> None:
        index.write(many(EXACT_TO + 5, title="别的", publisher="丛书"))
        index.write(many(3, id="titled", title="丛书"))
        hits = index.search(Query(words="丛书", facets=(Facet.YEAR,)))
        assert hits.items[0].id == "titled"
        assert sum(count for _, count in hits.facets["year"]) == EXACT_TO

    def test_works_are_counted_once(self, shelf: SearchIndex) -> None:
        edition = replace(DREAM, id="edition", title="红楼梦（校注本）", year=2008)
        shelf.write([edition])
        hits = shelf.search(Query(words="红楼梦", by_work=True))
        assert (hits.total, [hit.id for hit in hits.items]) == (2, ["dream", "studies"])
        assert shelf.search(Query(by_work=True, audience=EVERYBODY)).total == len(SHELF)


class PagingContract(Shelved):
    """Lists by a field give each record once; relevance ends."""

    @pytest.mark.parametrize("sort", list(Sort))
    @pytest.mark.parametrize("words", ["", "丛书"])
    def test_every_record_comes_once(self, index: SearchIndex, sort: Sort, words: str) -> None:
        index.write([*many(20), *many(3, id="same", version=9, year=None)])
        ids = [one for page in pages(index, Query(words=words, sort=sort, limit=6)) for one in page]
        assert sorted(ids) == sorted({f"n{number:05}" for number in range(20)} | {"same"})

    def test_lists_keep_their_order(self, shelf: SearchIndex) -> None:
        def listed(sort: Sort) -> list[str]:
            return found(shelf, "", sort=sort, audience=EVERYBODY)

        assert listed(Sort.YEAR) == ["alice", "studies", "dream", "gazetteer"]
        assert listed(Sort.YEAR_DOWN) == ["dream", "studies", "alice", "gazetteer"]
        assert listed(Sort.TITLE) == ["alice", "gazetteer", "dream", "studies"]
        assert listed(Sort.TITLE_DOWN) == ["studies", "dream", "gazetteer", "alice"]
        assert listed(Sort.ADDED) == ["gazetteer", "studies", "dream", "alice"]

    def test_what_is_added_between_pages_moves_nothing(self, index: SearchIndex) -> None:
        index.write(many(10))
        query = Query(sort=Sort.TITLE, limit=5)
        first = index.search(query)
        index.write(many(1, id="early", title="阿Q正传"))
        second = index.search(replace(query, after=first.next))
        ids = [hit.id for hit in (*first.items, *second.items)]
        assert len(set(ids)) == len(ids) == 10

    def test_works_in_a_list_come_once(self, index: SearchIndex) -> None:
        index.write([replace(one, work=f"w{one.year}") for one in many(20)])
        query = Query(sort=Sort.TITLE, by_work=True, limit=3)
        assert sum(len(page) for page in pages(index, query)) == 7

    @pytest.mark.parametrize("sort", list(Sort))
    def test_a_position_of_another_order_is_refused(self, shelf: SearchIndex, sort: Sort) -> None:
        for after in ((), ("a",), ("a", 1), (1.5, "a", "b"), (2.5, 2.5)):
            with pytest.raises(QueryRefusedError) as refused:
                shelf.search(Query(words="红楼", sort=sort, after=after))
            assert refused.value.field == "after"


class HighlightingContract(Shelved):
    """What matched, in the writing of the record."""

    def test_matches_are_marked_as_written(self, shelf: SearchIndex) -> None:
        hit = shelf.search(Query(words="曹雪芹 红楼梦")).items[0]
        assert hit.highlights["title"] == ["<mark>紅樓夢</mark>"]
        assert hit.highlights["agents"] == ["<mark>曹雪芹</mark>"]

    def test_text_is_escaped(self, index: SearchIndex) -> None:
        index.write([replace(ALICE, title="<b>Tom & Alice</b>")])
        hit = index.search(Query(words="alice")).items[0]
        assert hit.highlights["title"] == ["&lt;b&gt;Tom &amp; <mark>Alice</mark>&lt;/b&gt;"]


class SuggestingContract(Shelved):
    """Completions."""

    @pytest.mark.parametrize("text", ["红", "紅樓", "hongl", "hl", "石头"])
    def test_the_dream_is_suggested_for(self, shelf: SearchIndex, text: str) -> None:
        assert shelf.suggest(text)[0].text == "紅樓夢"

    def test_a_word_inside_a_title_is_completed(self, shelf: SearchIndex) -> None:
        assert [one.id for one in shelf.suggest("wond")] == ["alice"]
        assert [one.id for one in shelf.suggest("研究")] == ["studies"]

    def test_each_title_is_suggested_once_and_short_ones_first(self, index: SearchIndex) -> None:
        titles = ("水经注疏", "水经", "水經", "水经注")
        index.write([replace(DREAM, id=f"{n}", title=title) for n, title in enumerate(titles)])
        assert [len(one.text) for one in index.suggest("水")] == [2, 3, 4]
        assert len(index.suggest("水", limit=1)) == 1
        assert index.suggest("") == []


class SharingContract(Shelved):
    """Many threads on one index."""

    def test_readers_go_on_while_batches_are_written(self, shelf: SearchIndex) -> None:
        seen: list[int] = []

        def read() -> None:
            seen.extend(shelf.search(Query(words="红楼梦")).total for _ in range(20))

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for start in range(5):
            shelf.write(many(100, version=start + 2, title="另一种书"))
        for reader in readers:
            reader.join()
        assert seen == [2] * 80


class WalkingContract(Shelved):
    """All live documents in the order of their ids, for comparing with their source."""

    @pytest.mark.parametrize("limit", [1, 2, 3, 10])
    def test_a_walk_meets_every_live_document_once_in_order(
        self, shelf: SearchIndex, limit: int
    ) -> None:
        shelf.write([replace(ALICE, version=7), Tombstone("studies", 2), Tombstone("unknown", 1)])
        walked: list[tuple[str, int]] = []
        while page := shelf.walk(walked[-1][0] if walked else "", limit):
            walked += page
        assert walked == [("alice", 7), ("dream", 1), ("gazetteer", 1)]

    def test_a_walk_follows_the_order_of_bytes(self, index: SearchIndex) -> None:
        ids = ["B", "a", "b", "a-1", "a1", "Z", "红", "\U00020000", "\uffee"]
        index.write([replace(DREAM, id=one) for one in ids])
        walked = [one for one, _ in index.walk("", 100)]
        assert walked == sorted(ids, key=str.encode)
        assert list(index.walk("b", 2)) == list(index.walk("a-1", 100))[2:4]
        assert [one for one, _ in index.walk("", 100, "a-1")] == ["B", "Z", "a", "a-1"]
        assert [one for one, _ in index.walk("B", 2, "b")] == ["Z", "a"]
        assert [one for one, _ in index.walk("b", 100, "红")] == ["红"]
        assert list(index.walk("c", 100, "d")) == []

    def test_a_walk_begun_after_a_write_knows_it(self, index: SearchIndex) -> None:
        for version in (1, 2, 3):
            index.write([replace(DREAM, version=version)])
            assert list(index.walk("", 10)) == [("dream", version)]
        index.write([Tombstone("dream", 4)])
        assert list(index.walk("", 10)) == []


class SearchIndexContract(
    WritingContract,
    WalkingContract,
    FindingContract,
    SeeingContract,
    CountingContract,
    PagingContract,
    HighlightingContract,
    SuggestingContract,
    SharingContract,
):
    """The whole of it."""
