from __future__ import annotations

import pytest

from media.plane.interface import Plane
from tests.fakes.planes import IMPLEMENTATIONS, Stage


@pytest.fixture(params=IMPLEMENTATIONS)
def plane(request: pytest.FixtureRequest) -> Plane:
    return IMPLEMENTATIONS[request.param]()


@pytest.fixture
def stage(plane: Plane) -> Stage:
    return Stage(plane)
