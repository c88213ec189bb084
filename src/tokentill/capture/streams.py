"""What the events of a streamed answer say together, in the words of a plain one.

Only what a reader of `sources.responses` looks at is held. An answer counts as whole once its last counts were there:
what a stream says of its usage before its end is a part of it, and a part is not the usage.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from tokentill.capture.surfaces import Form
from tokentill.usage.record import Status

StreamedEvent = Mapping[str, Any]


class StreamedAnswer(ABC):
    """An answer while its events come.

    Attributes:
        said: what they said so far, as a plain answer would.
        status: how it ended, as far as that was said.
        is_whole: whether its last counts were there.
    """

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}
        self.status: Status = "ok"
        self.is_whole = False

    @abstractmethod
    def add(self, event: StreamedEvent) -> None:
        """Take in what an event says."""

    def done(self) -> None:
        """The stream said that it is over (`[DONE]`)."""
        self.is_whole = True

    def _keep(self, event: StreamedEvent, *names: str) -> None:
        self.said.update({name: event[name] for name in names if event.get(name) not in (None, {})})


class _Choices:
    """Which of several alternatives are still being written."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._seen: set[str] = set()
        self._ended: set[str] = set()

    def add(self, choices: object) -> object:
        """Take in the choices of an event; the reason why one ended, or None."""
        reason = None
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                index = str(choice.get("index"))
                self._seen.add(index)
                if choice.get(self._reason):
                    reason = choice[self._reason]
                    self._ended.add(index)
        return reason

    @property
    def are_over(self) -> bool:
        """Whether all of them have ended. Some gateways repeat one that has, without a reason, beside the usage."""
        return bool(self._ended) and self._ended == self._seen


class ChatChunks(StreamedAnswer):
    """Chat Completions: the usage comes with or after the last chunk, where it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._choices = _Choices("finish_reason")

    def add(self, event: StreamedEvent) -> None:
        if self.said.get("id") is None:
            self.said["id"] = event.get("id")
        self._keep(event, "model", "created", "service_tier", "provider", "is_byok", "usage")
        if self._choices.add(event.get("choices")) == "error" or event.get("error"):
            self.status = "error"
        if event.get("usage") and self._choices.are_over:
            self.is_whole = True


class ResponsesEvents(StreamedAnswer):
    """The Responses API: the last event holds the whole response."""

    _LAST = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")

    def add(self, event: StreamedEvent) -> None:
        kind, response = event.get("type"), event.get("response")
        if isinstance(response, dict):
            self.said = response
            self.status = status_in(response)
        if kind in self._LAST:
            self.is_whole = True
        elif kind == "error":
            self.status = "error"


class MessageEvents(StreamedAnswer):
    """Anthropic's messages: the input is counted at the beginning, and the output at the end, with corrections."""

    def add(self, event: StreamedEvent) -> None:
        kind, message, usage = event.get("type"), event.get("message"), event.get("usage")
        if kind == "message_start" and isinstance(message, dict):
            self.said = {name: message.get(name) for name in ("id", "type", "model", "usage", "provider")}
        elif kind == "message_delta" and isinstance(usage, dict):
            counts = {name: value for name, value in usage.items() if value is not None}
            self.said["usage"] = {**(self.said.get("usage") or {}), **counts}
            delta = event.get("delta")
            self.is_whole = isinstance(delta, dict) and delta.get("stop_reason") is not None
        elif kind == "error":
            self.status = "error"


class GeminiChunks(StreamedAnswer):
    """Google's `streamGenerateContent`: each chunk counts what there is so far, the last one all of it."""

    def __init__(self) -> None:
        super().__init__()
        self._candidates = _Choices("finishReason")

    def add(self, event: StreamedEvent) -> None:
        self._keep(event, "modelVersion", "createTime", "responseId", "usageMetadata")
        candidates = event.get("candidates")
        self._candidates.add(candidates)
        grounded = [
            {"groundingMetadata": candidate["groundingMetadata"]}
            for candidate in (candidates if isinstance(candidates, list) else ())
            if isinstance(candidate, dict) and candidate.get("groundingMetadata")
        ]
        if grounded:
            self.said["candidates"] = grounded
        is_blocked = isinstance(feedback := event.get("promptFeedback"), dict) and bool(feedback.get("blockReason"))
        if event.get("error"):
            self.status = "error"
        if event.get("usageMetadata") and (self._candidates.are_over or is_blocked):
            self.is_whole = True


STREAMS: Mapping[Form, type[StreamedAnswer]] = {
    "chat": ChatChunks,
    "responses": ResponsesEvents,
    "messages": MessageEvents,
    "gemini": GeminiChunks,
}

_STATUSES: Mapping[object, Status] = {
    "failed": "error",
    "cancelled": "cancelled",
    "queued": "unknown",
    "in_progress": "unknown",
}


def status_in(response: Mapping[str, Any]) -> Status:
    """How an answer says that it ended; only the Responses API says it at the top."""
    if response.get("error"):
        return "error"
    status = response.get("status")
    return _STATUSES.get(status, "ok") if isinstance(status, str) else "ok"
