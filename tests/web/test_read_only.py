"""A library that takes no changes for a while."""

from pathlib import Path

from house import House


def test_a_read_only_library_is_read_and_not_changed(tmp_path: Path) -> None:
    house = House(tmp_path / "data", read_only="yes")
    token = house.token()
    body = {"description": {"title": "史记"}}
    refused = house.client.post("/api/v1/records", json=body, headers=token)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert house.client.get("/api/v1/books").status_code == 200
    house.close()
