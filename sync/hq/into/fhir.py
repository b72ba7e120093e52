"""Records into FHIR R4 bundles: a transaction for each box and batch, every one validated before it is written.

`bundles/<box>/<serial>.json`, to be posted to a FHIR server in the order of their serials: each resource is put under
an id of its own, so posting one twice changes nothing. Validated with `fhir.resources`, whose nearest model is R4B
(4.3.0): in what is used here it does not differ from R4 (4.0.1).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from sync.hq.into import resources, typed
from sync.hq.into.ledger import Folders
from sync.hq.into.resources import Resource
from sync.hq.opening import Opened, Part
from sync.hq.walking import Trouble

Found = dict[str, Resource]  # by "Kind/id", in the order in which they are put


class Fhir(Folders):
    """A target over a folder, for one opener at a time. `base`: the address of resources, which only makes their full
    names; `clinics`: HQ's names of boxes. Raises OSError, `malformed_facts`, `unsupported_version`."""

    def __init__(
        self, root: Path, base: str, clinics: Mapping[bytes, str], waits: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(root, "fhir", waits)
        self._base, self._clinics = base.rstrip("/"), clinics

    def again(self, record_class: str) -> int:
        """Bundles are sent elsewhere once written; what they lack is made by a run into a new folder."""
        raise ValueError("bundles are not made anew: open into a new folder instead")

    def _take(self, name: str, parts: Sequence[Part]) -> Sequence[Trouble]:
        new, again = self._ledger.fresh(name, (one for part in parts for one in part.opened))
        seen, files = list[Trouble](), dict[str, int]()
        for box in sorted({one.box for one in (*new, *again)}):
            found, wrong = self._checked(name, [one for one in new if one.box == box])
            seen.extend(wrong)
            seen.extend(self._conflicts(name, box, found, [one for one in again if one.box == box]))
            if found:
                files.update(self._put(name, box, found))
        self._ledger.commit(name, parts, new, seen, files)
        return seen

    def _checked(self, name: str, opened: Sequence[Opened]) -> tuple[Found, list[Trouble]]:
        """Those of some records, valid as one bundle; what makes an invalid one is left out and named."""
        found, wrong = self._resources(name, opened)
        try:
            Bundle.model_validate(self._bundle(found))
        except ValidationError:
            return self._resources(name, opened, one_by_one=True)
        return found, wrong

    def _resources(
        self, name: str, opened: Sequence[Opened], *, one_by_one: bool = False
    ) -> tuple[Found, list[Trouble]]:
        """Those of some records, in the order of their numbers. `one_by_one`: leave out what is not valid by itself."""
        found: Found = {}
        wrong = []
        for one in opened:
            try:
                made = {f"{each['resourceType']}/{each['id']}": each for each in self._of(one, one_by_one)}
            except typed.Untyped:
                wrong.append(Trouble(one.box, one.sequence, "untyped", number=one.record.number))
                continue
            if one.record.record_class == "disclosure_ended":
                made = {key: self._ended(name, one.box, key, each, found) for key, each in made.items()}
            found.update(made)
        return found, wrong

    def _ended(self, name: str, box: bytes, key: str, last: Resource, found: Found) -> Resource:
        """The whole consent with its end, when it is at hand; else as much as the last record says."""
        if not key.startswith("Consent/"):
            return last
        begun = found.get(key) or self._written(name, box).get(key)
        return last if begun is None else resources.ended(begun, last)

    def _written(self, name: str, box: bytes) -> Found:
        """All resources of a box that were written before, the newest of each. Reads them: rare things only."""
        known: Found = {}
        for file in self._ledger.parts[name].files:
            if file.startswith(f"bundles/{box.hex()}/"):
                entries = json.loads((self._ledger.root / file).read_bytes())["entry"]
                known.update((entry["request"]["url"], entry["resource"]) for entry in entries)
        return known

    def _of(self, one: Opened, valid: bool) -> Sequence[Resource]:
        made = resources.of_record(one, self._clinics.get(one.box, ""))
        try:
            for each in made if valid else ():
                get_fhir_model_class(each["resourceType"]).model_validate(each)
        except ValidationError:
            raise typed.Untyped from None
        return made

    def _conflicts(self, name: str, box: bytes, found: Found, again: Sequence[Opened]) -> Iterable[Trouble]:
        """Those whose number came before with something else in it."""
        known = {**self._written(name, box), **found} if again else {}
        for one in again:
            some, wrong = self._resources(name, [one])
            if wrong or any(known.get(key) != each for key, each in some.items() if key.startswith(_OF_ONE_RECORD)):
                yield Trouble(one.box, one.sequence, "conflict", number=one.record.number)

    def _put(self, name: str, box: bytes, found: Found) -> Mapping[str, int]:
        path = f"bundles/{box.hex()}/{self._ledger.parts[name].serial:08d}.json"
        raw = json.dumps(self._bundle(found), ensure_ascii=False, indent=1).encode() + b"\n"
        self._ledger.put(path, lambda place: _write(place, raw))
        return {path: len(found)}

    def _bundle(self, found: Found) -> Resource:
        entries = [
            {"fullUrl": f"{self._base}/{key}", "resource": one, "request": {"method": "PUT", "url": key}}
            for key, one in found.items()
        ]
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "meta": {"security": resources.LABELS},
            "entry": entries,
        }


# Nothing but one record makes these; the others are made by each record that points to them.
_OF_ONE_RECORD = ("Encounter/", "Communication/", "AuditEvent/")


def _write(place: Path, raw: bytes) -> None:
    place.write_bytes(raw)
