"""What every cache promises, whoever keeps the bytes."""

from dataclasses import replace

from app.caching import Cache


class CacheContract:
    """Values by key, each under a stamp."""

    def test_one_that_is_there_finds_nothing_wrong(self, cache: Cache) -> None:
        cache.check()

    def test_what_is_kept_is_found_again(self, cache: Cache) -> None:
        cache.keep("page", cache.look("page", "book"), "开卷".encode(), 60)
        assert cache.look("page", "book").value == "开卷".encode()
        assert cache.look("other", "book").value is None

    def test_what_was_made_before_a_change_no_longer_counts(self, cache: Cache) -> None:
        cache.keep("page", cache.look("page", "book"), b"old", 60)
        cache.touch(["book"])
        assert cache.look("page", "book").value is None
        cache.keep("page", cache.look("page", "book"), b"new", 60)
        assert cache.look("page", "book").value == b"new"

    def test_a_slow_reader_does_not_bring_back_what_was_true_before(self, cache: Cache) -> None:
        looked = cache.look("page", "book")
        cache.touch(["book"])
        cache.keep("page", looked, b"read before the change", 60)
        assert cache.look("page", "book").value is None

    def test_a_value_that_took_its_whole_life_to_make_is_not_kept(self, cache: Cache) -> None:
        looked = cache.look("page", "book")
        late = replace(looked, at=looked.at - 60)
        cache.keep("page", late, b"read a minute ago", 60)
        assert cache.look("page", "book").value is None

    def test_a_value_of_another_form_is_none(self, cache: Cache) -> None:
        cache.keep("page", cache.look("page", "book"), b"\xa5title", 60)
        looked = cache.look("page", "book")
        assert (looked.value, looked.read(str)) == (b"\xa5title", "title")
        assert looked.read(int) is None

    def test_a_change_of_one_thing_leaves_the_others(self, cache: Cache) -> None:
        for name in ("one", "two"):
            cache.keep(name, cache.look(name, name), name.encode(), 60)
        cache.touch(["one"])
        assert cache.look("one", "one").value is None
        assert cache.look("two", "two").value == b"two"

    def test_many_things_change_at_once(self, cache: Cache) -> None:
        cache.keep("page", cache.look("page", "n1999"), b"old", 60)
        cache.touch(f"n{number}" for number in range(2_000))
        assert cache.look("page", "n1999").value is None

    def test_nothing_too_large_is_kept(self, cache: Cache) -> None:
        cache.keep("page", cache.look("page", "book"), bytes(300 * 1024), 60)
        assert cache.look("page", "book").value is None

    def test_touching_nothing_is_fine(self, cache: Cache) -> None:
        cache.touch([])
