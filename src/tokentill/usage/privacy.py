"""What becomes of user ids that may be personal data: a policy for each source, and the keys that hide them.

`keep` takes ids as they are; `warn` does, too, and names those that look personal; `hash` puts a keyed hash in the
place of every one; `reject` takes no record whose id looks personal. Pure: keys are handed in, and never stored or
shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, get_args

from tokentill.canonical import ContentOfFields
from tokentill.clock import instant_text
from tokentill.errors import InvalidCall, InvalidRecord
from tokentill.usage.ids import is_word, looks_personal
from tokentill.usage.opaque_ids import KEY_BYTES_MIN, opaque_id
from tokentill.usage.record import UsageRecord
from tokentill.usage.type_words import type_text

PrivacyPolicy = Literal["keep", "warn", "hash", "reject"]
POLICIES: tuple[PrivacyPolicy, ...] = get_args(PrivacyPolicy)
NOT_KEPT = "(not kept, by the privacy policy of its source)"
"""What stands in the place of a line that names a user who is to be hidden."""
_PROTECTING = ("hash", "reject")
_KEY_FIELDS = {"key_id": str, "key_env": str, "from": datetime}
_FIELDS = {"policy": str, **_KEY_FIELDS, "earlier": list}
_WORDS = {str: "a text", datetime: "an instant like 2027-01-01T00:00:00Z", list: "a list of tables"}
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PrivacyKey:
    """A key that hides ids of records from an instant on: its id, and the variable of the environment that holds it.

    `secret` is what is in the variable, None as long as nobody needs it.
    """

    key_id: str
    key_env: str
    starts_at: datetime = _BEGINNING
    secret: bytes | None = field(default=None, repr=False)

    def pseudonym(self, user: str) -> str:
        """What stands in the place of a user: `h1:`, the key's id, and a keyed hash."""
        if self.secret is None:
            raise InvalidCall(f"the privacy key {self.key_id!r} is not set; put it into the variable {self.key_env}")
        return _pseudonym(user, self.secret, self.key_id)

    def read_from(self, environment: Mapping[str, str]) -> PrivacyKey:
        """The key with its secret.

        Raises:
            InvalidCall: when the variable is not set, or too short for a secret.
        """
        secret = environment.get(self.key_env, "").strip().encode()
        if len(secret) < KEY_BYTES_MIN:
            is_short = f"shorter than {KEY_BYTES_MIN} bytes" if secret else "not set"
            raise InvalidCall(
                f"the variable {self.key_env}, with the privacy key {self.key_id!r}, is {is_short}; make a key, once,"
                " and keep it as a secret: python -c 'import secrets; print(secrets.token_hex(32))'"
            )
        return replace(self, secret=secret)


_HASHED = "h1:"


@lru_cache(maxsize=100_000)
def _pseudonym(user: str, secret: bytes, key_id: str) -> str:
    return opaque_id(user, key=secret, prefix=f"{_HASHED}{key_id}:")


@dataclass(frozen=True, slots=True)
class Pseudonym(ContentOfFields):
    """The id that stands in the place of a user in records from an instant on; None is from the beginning."""

    id: str
    key_id: str
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pseudonyms(ContentOfFields):
    """The ids of one user under each key, oldest key first: `customers pseudonym --json`."""

    pseudonyms: tuple[Pseudonym, ...]


@dataclass(frozen=True, slots=True)
class Privacy:
    """The policy of each source, and the keys, in the order in which they begin.

    The key of a record is the one in force at its instant, so that a record that comes again after a new key began is
    still the same record.
    """

    default: PrivacyPolicy = "warn"
    of_source: Mapping[str, PrivacyPolicy] = field(default_factory=dict)
    keys: tuple[PrivacyKey, ...] = ()

    @classmethod
    def from_tables(cls, table: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]], where: str) -> Privacy:
        """Of the tables `[privacy]` and `[sources.NAME]` of settings.

        Args:
            where: what to call the file.

        Raises:
            InvalidCall: with the setting that is wrong.
        """
        _check_fields(f"{where}: privacy", table, _FIELDS)
        policy = policy_named(f"{where}: privacy.policy", table.get("policy", "warn"))
        named = {
            source: policy_named(f"{where}: sources.{source}.privacy", one["privacy"])
            for source, one in sources.items()
            if "privacy" in one
        }
        return cls(policy, named, tuple(_keys(f"{where}: privacy", table)))

    def all_under(self, policy: PrivacyPolicy) -> Privacy:
        """The same keys, and one policy whatever the source."""
        return Privacy(policy, {}, self.keys)

    def policy_of(self, source: str) -> PrivacyPolicy:
        """The policy of a source."""
        return self.of_source.get(source, self.default)

    def hides(self) -> bool:
        """Whether keys are needed."""
        return "hash" in (self.default, *self.of_source.values())

    def keyed(self, environment: Mapping[str, str]) -> Privacy:
        """With the secrets of the keys.

        Raises:
            InvalidCall: when there is no key, or one that is not set.
        """
        if not self.keys:
            raise InvalidCall(
                'to hash user ids takes a key; write [privacy] key_id = "k1" and key_env = "NAME" into'
                " tokentill.toml, and the key into that variable of the environment"
            )
        return replace(self, keys=tuple(key.read_from(environment) for key in self.keys))

    def protects(self, source: str | None) -> bool:
        """Whether lines of a source that are no records must not be kept; of an unknown one, where any source's may
        not.
        """
        listed = (self.default, *self.of_source.values()) if source is None else (self.policy_of(source),)
        return not {*listed}.isdisjoint(_PROTECTING)

    @property
    def protects_others(self) -> bool:
        """The same of every source that has no policy of its own."""
        return self.default in _PROTECTING

    def check(self, record: UsageRecord) -> None:
        """Refuse a record whose user looks personal, where its source takes none.

        Raises:
            InvalidRecord: without the id.
        """
        if record.user is None or self.policy_of(record.source) != "reject":
            return
        looks_like = looks_personal(record.user)
        if looks_like is not None:
            raise InvalidRecord(f"user looks like personal data ({looks_like}), which this source does not take")

    def applied(self, record: UsageRecord) -> UsageRecord:
        """The record as it is kept."""
        if record.user is None or self.policy_of(record.source) != "hash":
            return record
        return replace(record, user=self._key_at(record.occurred_at).pseudonym(record.user))

    def can_be_met(self, user: str, source: str | None) -> bool:
        """Whether a record of a source, or of any, can have an id as its user: where all are hashed, only a hash."""
        policies = {self.default, *self.of_source.values()} if source is None else {self.policy_of(source)}
        return policies != {"hash"} or user.startswith(_HASHED)

    def pseudonyms(self, user: str) -> Pseudonyms:
        """The ids that stand in the place of a user, one for each key."""
        return Pseudonyms(
            tuple(
                Pseudonym(key.pseudonym(user), key.key_id, None if key is self.keys[0] else key.starts_at)
                for key in self.keys
            )
        )

    def _key_at(self, at: datetime) -> PrivacyKey:
        return next((key for key in reversed(self.keys) if key.starts_at <= at), self.keys[0])


DEFAULT_PRIVACY = Privacy()


def policy_named(where: str, value: object) -> PrivacyPolicy:
    """A policy by its name.

    Raises:
        InvalidCall: when it is none.
    """
    for policy in POLICIES:
        if value == policy:
            return policy
    raise InvalidCall(f"{where} is {str(value)[:40]!r}; write {', '.join(POLICIES[:-1])} or {POLICIES[-1]}")


def _keys(where: str, table: Mapping[str, Any]) -> Iterator[PrivacyKey]:
    """The keys in the order in which they begin."""
    stated = [*table.get("earlier", ()), table]
    if not table.keys() & {*_KEY_FIELDS, "earlier"}:
        return
    begins: datetime | None = None
    seen: set[str] = set()
    for number, one in enumerate(stated, 1):
        at = where if number == len(stated) else f"{where}.earlier, entry {number}"
        if not isinstance(one, Mapping):
            raise InvalidCall(f"{at} must be a table, not {type_text(one)}")
        if one is not table:
            _check_fields(at, one, _KEY_FIELDS)
        for name in ("key_id", "key_env"):
            if not one.get(name):
                raise InvalidCall(f"{at} has no {name}; a key needs key_id, and key_env, the variable that holds it")
        if not is_word(one["key_id"]) or one["key_id"] in seen:
            raise InvalidCall(f"{at}: key_id {one['key_id']!r} has to be a lower-case word that no other key has")
        seen.add(one["key_id"])
        starts_at = one.get("from")
        if (starts_at is None) != (number == 1) and number > 1:
            raise InvalidCall(f"{at}: say from when the key {one['key_id']!r} holds: from = 2027-01-01T00:00:00Z")
        if starts_at is not None and starts_at.tzinfo is None:
            raise InvalidCall(f"{at}.from has no offset from UTC; write it like 2027-01-01T00:00:00Z")
        if begins is not None and starts_at is not None and starts_at <= begins:
            raise InvalidCall(f"{at}.from is not after that of the key before it ({instant_text(begins)})")
        begins = starts_at or _BEGINNING
        yield PrivacyKey(one["key_id"], one["key_env"], begins)


def _check_fields(where: str, table: Mapping[str, Any], fields: Mapping[str, type]) -> None:
    for name, value in table.items():
        if name not in fields:
            raise InvalidCall(f"{where}.{name} is not a setting; the settings are {', '.join(sorted(fields))}")
        if not isinstance(value, fields[name]):
            raise InvalidCall(f"{where}.{name} must be {_WORDS[fields[name]]}, not {type_text(value)}")
