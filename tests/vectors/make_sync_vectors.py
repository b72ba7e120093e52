"""Makes the vectors of sync anew: `.venv/bin/python -m tests.vectors.make_sync_vectors`.

A vector file is ASCII lines `name: value`, an empty line, then the bytes. `expect` is what a reader must come to:
`read`, and then `result` (JSON) is what was read; else the code of a fault. `zeros` is how many zero bytes follow that
are not in the file. Keys come from fixed seeds. Sealing is
random: a new run changes the bytes of envelopes and packs, never what is expected.
"""

from __future__ import annotations

from tests.vectors.sync_makers import envelopes, facts, packs
from tests.vectors.sync_makers.common import BOX, write

if __name__ == "__main__":
    write("envelope", envelopes.GIVEN, envelopes.envelopes())
    write("receipt", envelopes.GIVEN_RECEIPT, envelopes.receipts())
    write("chain", envelopes.GIVEN_CHAIN, envelopes.chains())
    write("pack", packs.GIVEN, packs.packs())
    write("bundle", {"box": BOX.hex(), "direction": "1"}, packs.bundles())
    write("frames", {}, packs.streams())
    write("facts", {}, facts.facts())
    write("enrolment", {}, facts.enrolments())
