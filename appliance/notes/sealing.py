"""How notes are sealed, by their RFC names; the bytes stand in SEALING.md. Alone in notes it imports the library.

HPKE base mode, single shot (RFC 9180): MLKEM768-X25519 ("X-Wing"), HKDF-SHA256, ChaCha20-Poly1305. Passwords: Argon2id
(RFC 9106). Keys are split by HKDF (RFC 5869), so that one key has one meaning. Private keys never print or pickle.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.faults import Fault

PUBLIC_SIZE = 1216  # ML-KEM-768's 1,184 bytes, then X25519's 32
KEY_SIZE = 32  # a seed of a private key, and a group key
_LATTICE = 1184
_PAD = 256  # bytes: the length of a note shows in steps of this

_HPKE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one try of a password costs: Argon2id memory in KiB, passes, lanes."""

    memory: int
    passes: int
    lanes: int


# As much as the login's own hash (identity/passwords.py): whoever has the store tries the cheaper of the two.
SIGN_IN_COST = Cost(memory=32 * 1024, passes=3, lanes=1)


def joined(*parts: bytes | str | int) -> bytes:
    """Parts as one string that no other parts give: each as its length in 4 bytes, big endian, and its UTF-8."""
    encoded = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def key_hash(public: bytes) -> bytes:
    """SHA-256 of a public key: its name in rows, bindings and on the page."""
    return hashlib.sha256(public).digest()


class PrivateKey:
    """An X-Wing private key from its 32-byte seed, expanded by SHAKE256 as X-Wing does."""

    __slots__ = ("_key", "_seed", "hash", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_SIZE:
            raise ValueError("a seed has 32 bytes")
        expanded = hashlib.shake_256(seed).digest(96)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        curve = X25519PrivateKey.from_private_bytes(expanded[64:])
        self._seed, self._key = seed, MLKEM768X25519PrivateKey(lattice, curve)
        self.public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        self.hash = key_hash(self.public)

    @classmethod
    def new(cls) -> PrivateKey:
        return cls(secrets.token_bytes(KEY_SIZE))

    def seed(self) -> bytes:
        """The 32 bytes, for wrapping and sealing only."""
        return self._seed

    def open(self, info: bytes, sealed: bytes) -> bytes:
        """What was sealed to this key with the same `info`, or Fault("note_damaged")."""
        try:
            return _HPKE.decrypt(sealed, self._key, info=info)
        except (InvalidTag, ValueError):
            raise Fault("note_damaged", "sealed key") from None

    def keep(self, words: bytes, bound: bytes) -> bytes:
        """What its owner keeps for themselves: nonce and sealed words, bound to `bound`."""
        nonce = secrets.token_bytes(12)
        return nonce + ChaCha20Poly1305(_part(self._seed, "book")).encrypt(nonce, words, bound)

    def kept(self, sealed: bytes, bound: bytes) -> bytes:
        """What `keep` sealed, or Fault("note_damaged")."""
        try:
            return ChaCha20Poly1305(_part(self._seed, "book")).decrypt(sealed[:12], sealed[12:], bound)
        except (InvalidTag, ValueError):
            raise Fault("note_damaged", "book") from None

    def __repr__(self) -> str:
        return "PrivateKey(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key is not copied or pickled")


def seal_to(public: bytes, info: bytes, secret: bytes) -> bytes:
    """Seal to a public key (1,216 bytes); 1,136 bytes longer. Fault("note_damaged") if that is no public key."""
    try:
        if len(public) != PUBLIC_SIZE:
            raise ValueError
        lattice = MLKEM768PublicKey.from_public_bytes(public[:_LATTICE])
        curve = X25519PublicKey.from_public_bytes(public[_LATTICE:])
    except ValueError:
        raise Fault("note_damaged", "public key") from None
    return _HPKE.encrypt(secret, MLKEM768X25519PublicKey(lattice, curve), info=info)


# -- a private half under its owner's password -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A private half as the store keeps it."""

    cost: Cost
    salt: bytes
    nonce: bytes
    wrapped: bytes


def wrap(key: PrivateKey, person: str, password: str, cost: Cost) -> Wrapped:
    """The seed under a key from that password. Slow on purpose: from a thread, outside a transaction."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    sealed = ChaCha20Poly1305(_from_password(password, salt, cost)).encrypt(
        nonce, key.seed(), _wrapping(person, key.public)
    )
    return Wrapped(cost, salt, nonce, sealed)


def unwrap(kept: Wrapped, person: str, public: bytes, password: str) -> PrivateKey | None:
    """The private half, or None if that is not its password. Slow on purpose."""
    try:
        seed = ChaCha20Poly1305(_from_password(password, kept.salt, kept.cost)).decrypt(
            kept.nonce, kept.wrapped, _wrapping(person, public)
        )
    except InvalidTag:
        return None
    return PrivateKey(seed)


def _wrapping(person: str, public: bytes) -> bytes:
    return joined("hearth clinician key 1", person, public)


def _from_password(password: str, salt: bytes, cost: Cost) -> bytes:
    text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    kdf = Argon2id(salt=salt, length=32, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory)
    # The same password also makes the login's hash, with a salt of its own; the label keeps the two apart even so.
    return _part(kdf.derive(text), "clinician key")


# -- a care group's key of one epoch -----------------------------------------------------------------------------------


class GroupKey:
    """The 32 bytes that the notes of one care group and epoch are sealed under, and the marks that only it can make."""

    __slots__ = ("_raw", "epoch", "group")

    def __init__(self, group: str, epoch: int, raw: bytes) -> None:
        if len(raw) != KEY_SIZE:
            raise Fault("note_damaged", "group key")
        self.group, self.epoch, self._raw = group, epoch, raw

    @classmethod
    def new(cls, group: str, epoch: int) -> GroupKey:
        return cls(group, epoch, secrets.token_bytes(KEY_SIZE))

    @classmethod
    def opened(cls, group: str, epoch: int, holder: str, key: PrivateKey, sealed: bytes) -> GroupKey:
        """From what is sealed to `holder`'s key. Fault("note_damaged")."""
        return cls(group, epoch, key.open(_handing(group, epoch, holder, key.hash), sealed))

    def sealed_for(self, holder: str, public: bytes) -> bytes:
        return seal_to(public, _handing(self.group, self.epoch, holder, key_hash(public)), self._raw)

    def grant(self, holder: str, holder_hash: bytes) -> bytes:
        """The mark of one who was given this key by one who had it: a row that was slipped in has none."""
        return self._mark("grant", joined(holder, holder_hash))

    def granted(self, holder: str, holder_hash: bytes, mark: bytes) -> bool:
        return hmac.compare_digest(self.grant(holder, holder_hash), mark)

    def link(self, following: GroupKey) -> bytes:
        """The mark that `following` was made by one who had this key."""
        return _link(self.linking(), self.group, self.epoch, following)

    def commitment(self) -> bytes:
        """Tells this key from any other, and nothing of it."""
        return _part(self._raw, "commitment")

    def linking(self) -> bytes:
        """What links are checked with: a secret."""
        return _part(self._raw, "link")

    def seal(self, kind: str, header: bytes, words: bytes) -> tuple[bytes, bytes]:
        """Nonce and sealed words; `header` is bound, not sealed. `kind` is "note" or "reason"."""
        nonce = secrets.token_bytes(12)
        length = len(words).to_bytes(4, "big")
        padded = length + words + bytes(-(len(words) + 4) % _PAD)
        return nonce, ChaCha20Poly1305(_part(self._raw, kind)).encrypt(nonce, padded, self._bound(kind, header))

    def open(self, kind: str, header: bytes, nonce: bytes, sealed: bytes) -> bytes:
        """The words, or Fault("note_damaged") if a byte of them or of `header` is another one."""
        try:
            padded = ChaCha20Poly1305(_part(self._raw, kind)).decrypt(nonce, sealed, self._bound(kind, header))
        except (InvalidTag, ValueError):
            raise Fault("note_damaged", kind) from None
        return padded[4 : 4 + int.from_bytes(padded[:4], "big")]

    def _bound(self, kind: str, header: bytes) -> bytes:
        return joined(f"hearth {kind} 1", self.group, self.epoch, header)

    def _mark(self, kind: str, what: bytes) -> bytes:
        return hmac.digest(_part(self._raw, kind), joined(f"hearth {kind} 1", self.group, self.epoch, what), "sha256")

    def __repr__(self) -> str:
        return "GroupKey(…)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a group key is not copied or pickled")


def linked(linking: bytes, older: int, following: GroupKey, mark: bytes) -> bool:
    """Whether `mark` is the link that one made who had the key of epoch `older`, with that `linking`."""
    return hmac.compare_digest(_link(linking, following.group, older, following), mark)


def _link(linking: bytes, group: str, older: int, following: GroupKey) -> bytes:
    bound = joined("hearth link 1", group, older, joined(following.epoch, following.commitment()))
    return hmac.digest(linking, bound, "sha256")


def _handing(group: str, epoch: int, holder: str, holder_hash: bytes) -> bytes:
    return joined("hearth group key 1", group, epoch, holder, holder_hash)


# -- the clinic's recovery key -----------------------------------------------------------------------------------------


def share(recovery: PrivateKey, holder: str, public: bytes) -> bytes:
    """The recovery key's private half, sealed to one who may use it."""
    return seal_to(public, _sharing(recovery.public, holder, key_hash(public)), recovery.seed())


def opened_share(recovery_public: bytes, holder: str, key: PrivateKey, sealed: bytes) -> PrivateKey:
    """Fault("note_damaged") also where the share is not that of `recovery_public`."""
    found = PrivateKey(key.open(_sharing(recovery_public, holder, key.hash), sealed))
    if found.public != recovery_public:
        raise Fault("note_damaged", "recovery share")
    return found


def _sharing(recovery_public: bytes, holder: str, holder_hash: bytes) -> bytes:
    return joined("hearth recovery key 1", key_hash(recovery_public), holder, holder_hash)


def _part(raw: bytes, label: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"hearth notes 1 {label}".encode()).derive(raw)
