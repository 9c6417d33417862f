"""What every messenger must do; each adapter runs it by a class with its fixtures."""

from collections.abc import Callable

import pytest

from app.messaging.ports import Message, Messenger, MessengerError

Arrived = Callable[[], list[tuple[str, str]]]


class MessengerContract:
    """``arrived`` gives (to, text) of every message that came through."""

    def test_a_message_arrives_as_it_was_sent(self, messenger: Messenger, arrived: Arrived) -> None:
        messenger.send(Message("reader@example.org", "您的验证码是 012345。", "开卷"))
        assert arrived() == [("reader@example.org", "您的验证码是 012345。")]

    def test_each_message_arrives(self, messenger: Messenger, arrived: Arrived) -> None:
        for number in range(3):
            messenger.send(Message("reader@example.org", f"第{number}封", "开卷"))
        assert sorted(text for _, text in arrived()) == ["第0封", "第1封", "第2封"]

    def test_a_message_does_not_show_itself(self) -> None:
        assert "example" not in repr(Message("reader@example.org", "text", "开卷"))


class FailingContract:
    """``broken`` is a messenger whose other side refuses."""

    def test_what_is_refused_is_said_without_naming_anybody(self, broken: Messenger) -> None:
        with pytest.raises(MessengerError) as refused:
            broken.send(Message("reader@example.org", "012345", "开卷"))
        assert "reader" not in str(refused.value)
        assert refused.value.__cause__ is None
        assert refused.value.__context__ is None or refused.value.__suppress_context__
