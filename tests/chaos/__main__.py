"""Disturb aezoo: python tests/chaos {kills,faults,pairs,fuzz} --count 500 --seed 0 --jobs 2 --out chaos.json

Each trial follows from kind, seed and number alone. What was tried already is read from --out and not tried
again; at the end there is a table of all. Exits 1 where something happened that must not.
"""

import os
import sys
from pathlib import Path
from types import ModuleType

os.environ["OMP_NUM_THREADS"] = "1"  # bits do not depend on threads then
tests = sys.modules["tests"] = ModuleType("tests")  # an installed package may be called so: ours is this tree
tests.__path__ = [str(Path(__file__).parents[1])]

from tests.chaos.campaign import main  # noqa: E402  the two lines above come first

main()
