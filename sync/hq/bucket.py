"""HQ's objects in a bucket of any S3-compatible server that honours conditional writes (If-None-Match, If-Match).

Durable when the server says so: nothing is left for us to flush. Keys come from AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, or from wherever else the S3 client looks; they are never in hq.toml.
"""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import S3Store

from sync.faults import SyncFault
from sync.hq.objects import LISTED_AT_ONCE, Entry, checked, checked_prefix, in_thread

if TYPE_CHECKING:
    from obstore import ObjectMeta  # a name for type checkers alone

TIMEOUT = timedelta(seconds=20)  # one request to the store, with all that it carries: 160 KiB at most
RETRIES = 3  # by the S3 client itself; the courier tries again for ever
RETRY_TIMEOUT = timedelta(seconds=25)
REGION = "us-east-1"  # what servers that know no regions want to be told


def settings(url: str, endpoint: str, region: str = REGION) -> str:
    """hq.toml for a bucket; ValueError when boxes' envelopes could not be kept there."""
    open_bucket({"url": url, "endpoint": endpoint, "region": region})
    return f'[store]\nurl = "{url}"\nendpoint = "{endpoint}"\nregion = "{region}"\n'


def open_bucket(store: dict[str, object]) -> BucketObjects:
    """By the table `[store]` of hq.toml; ValueError names what is wrong."""
    unknown = set(store) - {"url", "endpoint", "region"}
    if unknown or not all(isinstance(value, str) for value in store.values()):
        raise ValueError("hq.toml: [store] takes url, endpoint and region")
    url, endpoint = str(store.get("url", "")), str(store.get("endpoint", ""))
    return BucketObjects(url, endpoint, str(store.get("region", REGION)))


class BucketObjects:
    """`url` is s3://bucket/prefix; `endpoint` is "" for Amazon's own."""

    def __init__(self, url: str, endpoint: str, region: str = REGION) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment or '"' in url + endpoint + region:
            raise ValueError("hq.toml: the store's url must look like s3://bucket/prefix")
        plain = endpoint.startswith("http://")
        if endpoint and not (endpoint.startswith("https://") or (plain and _loopback(endpoint))):
            raise ValueError("hq.toml: the store's endpoint must be https://, or http:// on this machine")
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            region=region,
            conditional_put="etag",
            virtual_hosted_style_request=False,
            client_options={"timeout": TIMEOUT, "connect_timeout": timedelta(seconds=5), "allow_http": plain},
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT},
            config={"endpoint": endpoint} if endpoint else {},
        )

    async def get(self, path: str) -> bytes | None:
        found = await in_thread(self._get, checked(path))
        return None if found is None else found[0]

    async def exists(self, path: str) -> bool:
        return await in_thread(self._exists, checked(path))

    async def create(self, path: str, raw: bytes) -> bytes | None:
        return await in_thread(self._create, checked(path), raw)

    async def replace(self, path: str, raw: bytes) -> None:
        await in_thread(lambda: obstore.put(self._store, checked(path), raw, use_multipart=False))

    async def swap(self, path: str, raw: bytes, expected: bytes | None) -> bool:
        if expected is None:
            return await self.create(path, raw) is None
        return await in_thread(self._swap, checked(path), raw, expected)

    async def entries(self, prefix: str, after: str = "") -> AsyncIterator[Entry]:
        listing = obstore.list(
            self._store, checked_prefix(prefix) or None, offset=after or None, chunk_size=LISTED_AT_ONCE
        )
        last = after
        while some := await in_thread(_next, listing):
            for entry in sorted((_entry(one) for one in some), key=lambda entry: entry.path):
                if entry.path <= last:
                    raise SyncFault("hq_failed")  # a server that does not list in order: what we skip would be lost
                last = entry.path
                yield entry

    async def delete(self, path: str) -> None:
        await in_thread(self._delete, checked(path))

    async def make_durable(self, path: str) -> None:
        checked(path)

    def _get(self, path: str) -> tuple[bytes, str | None] | None:
        try:
            found = obstore.get(self._store, path)
            return bytes(found.bytes()), found.meta["e_tag"]
        except FileNotFoundError:
            return None

    def _exists(self, path: str) -> bool:
        try:
            obstore.head(self._store, path)
        except FileNotFoundError:
            return False
        return True

    def _create(self, path: str, raw: bytes) -> bytes | None:
        """A create whose answer was lost is tried again by the client and then finds its own bytes: a duplicate."""
        try:
            obstore.put(self._store, path, raw, mode="create", use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            found = self._get(path)
            if found is None:
                raise SyncFault("hq_failed") from None  # refused, yet not there: another's create that then failed
            return found[0]
        return None

    def _swap(self, path: str, raw: bytes, expected: bytes) -> bool:
        found = self._get(path)
        if found is None or found[0] != expected or not found[1]:
            return False
        try:
            obstore.put(self._store, path, raw, mode={"e_tag": found[1]}, use_multipart=False)
        except (PreconditionError, FileNotFoundError):
            return False
        return True

    def _delete(self, path: str) -> None:
        try:
            obstore.delete(self._store, path)
        except FileNotFoundError:
            return


def _loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _entry(found: ObjectMeta) -> Entry:
    return Entry(found["path"], found["size"], found["last_modified"])


def _next(listing: Iterator[Sequence[ObjectMeta]]) -> Sequence[ObjectMeta]:
    return next(listing, ())
