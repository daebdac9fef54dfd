"""Listing a bucket: down the folders that may hold what is wanted, several requests at a time.

A page of ListObjectsV2 has 1,000 keys, in the order of their bytes. Pages are asked for ahead of
their turn by a few threads and used in that order, so the order of the objects is that of one plain
listing, whatever is left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from attrs import define, field, frozen

from vpcflow.selection import Selection
from vpcflow_aws.s3_errors import S3Error, unreadable
from vpcflow_aws.s3_layout import days_of, divides, is_hidden, spot_of, wants
from vpcflow_aws.s3_url import S3Url

THREADS = 8
SEARCHES = 64
"""Folders above AWSLogs that are looked into one by one; what is below the others is listed in one
go. In a bucket with other layouts, with a folder per hour, that is far fewer requests."""

Object = dict[str, Any]
"""As ListObjectsV2 gives it: Key, Size, ETag, LastModified."""


@frozen
class _Listing:
    """One request. by_folder: folders are given, not what is in them. token: of a later page."""

    prefix: str
    by_folder: bool
    token: str | None = None


@define(eq=False)
class Walk:
    """The objects below a prefix. url: with the prefix; it need not end with a slash.

    found: whether anything lay there, wanted or not.
    """

    client: Any
    url: S3Url
    selection: Selection
    found: bool = field(default=False, init=False)
    _named: int = field(init=False)
    _searches: int = field(default=SEARCHES, init=False)

    def __attrs_post_init__(self) -> None:
        tail = self.url.key.rpartition("/")[2]
        self._named = self.url.key.count("/") + is_hidden(tail)

    def objects(self) -> Iterator[Object]:
        """In the order of their keys. Raises InputError."""
        waiting: deque[_Listing | Object] = deque(self._listings(self.url.key))
        asked: dict[_Listing, Future[Any]] = {}
        with ThreadPoolExecutor(THREADS, "vpcflow-s3-list") as pool:
            try:
                while waiting:
                    item = waiting.popleft()
                    if not isinstance(item, _Listing):
                        yield item
                        continue
                    future = asked.pop(item, None) or pool.submit(self._ask, item)
                    self._ask_ahead(waiting, asked, pool)
                    waiting.extendleft(reversed(self._entries(item, future.result())))
            finally:
                for future in asked.values():
                    future.cancel()

    def _ask_ahead(
        self,
        waiting: deque[_Listing | Object],
        asked: dict[_Listing, Future[Any]],
        pool: ThreadPoolExecutor,
    ) -> None:
        for item in waiting:
            if len(asked) >= THREADS - 1:
                return
            if isinstance(item, _Listing) and item not in asked:
                asked[item] = pool.submit(self._ask, item)

    def _ask(self, listing: _Listing) -> Any:
        arguments = {"Bucket": self.url.bucket, "Prefix": listing.prefix}
        if listing.by_folder:
            arguments["Delimiter"] = "/"
        if listing.token is not None:
            arguments["ContinuationToken"] = listing.token
        try:
            return self.client.list_objects_v2(**arguments)
        except S3Error as error:
            raise unreadable(error, "list", str(self.url), "s3:ListBucket") from error

    def _entries(self, listing: _Listing, page: Any) -> list[_Listing | Object]:
        """What a page says is wanted, in order, and the page after it."""
        folders = [common["Prefix"] for common in page.get("CommonPrefixes", ())]
        objects: list[Object] = page.get("Contents", [])
        self.found = self.found or bool(folders or objects)
        entries: list[tuple[str, list[_Listing | Object]]] = [
            (found["Key"], [found]) for found in objects if self._wants(found["Key"])
        ]
        entries += [(folder, [*self._listings(folder)]) for folder in folders]
        items = [item for _, found in sorted(entries, key=lambda entry: entry[0]) for item in found]
        if page.get("IsTruncated"):
            items.append(_Listing(listing.prefix, listing.by_folder, page["NextContinuationToken"]))
        return items

    def _wants(self, key: str) -> bool:
        *folders, name = key.split("/")
        hidden = not name or (is_hidden(name) and len(folders) >= self._named)
        return (
            not hidden
            and self.selection.wants(name)
            and wants(folders, self._named, self.selection)
        )

    def _listings(self, folder: str) -> Iterator[_Listing]:
        """The requests that find out what is in a folder (or begins with a prefix)."""
        names = folder.split("/")[:-1]
        if not wants(names, self._named, self.selection):
            return
        if folder and not folder.endswith("/"):  # the beginning of names
            yield _Listing(folder, by_folder=False)
            return
        spot = spot_of(names)
        if spot is None:
            yield _Listing(folder, by_folder=self._may_search())
            return
        days = days_of(spot, folder, self.selection)
        if days is None:
            yield _Listing(folder, divides(spot, self.selection))
            return
        for day in days:
            yield from self._listings(day)

    def _may_search(self) -> bool:
        self._searches -= 1
        return self._searches >= 0


def nearest_existing(client: Any, url: S3Url) -> tuple[str, list[str]]:
    """Of a prefix that is not there, as much as is, and some of the names in it."""
    folder = url.key.rstrip("/")
    while folder:
        folder = folder.rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        page = client.list_objects_v2(Bucket=url.bucket, Prefix=prefix, Delimiter="/")
        names = [common["Prefix"] for common in page.get("CommonPrefixes", ())]
        names += [found["Key"] for found in page.get("Contents", ())]
        if names:
            return prefix, [name[len(prefix) :].rstrip("/") for name in names if name != prefix]
    return "", []
