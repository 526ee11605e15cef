"""Several processes that write one run at the same moment: one does, others are refused, nothing mixes."""

import json
import os
import subprocess
import sys

import pytest

from tests.tiny import TINY

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes in one moment by fork")

# Prints for each round: exit codes of its processes (1: refused), and what was left.
TOGETHER = """
import json, os, sys, time, traceback
from pathlib import Path
import torch
torch.set_num_threads(1)
import aezoo
from aezoo.errors import RunFileError

home, what, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
LONG = {"steps": 12, "log_every": 1, "settings": {"checkpoint": {"every": 3}, "evaluate": {"end": False}}}
TINY = json.loads(sys.argv[4])

def trained(out, **options):
    return aezoo.train("vae", out=out, **{**TINY, **options})

def process(work, moment):
    child = os.fork()
    if child:
        return child
    sys.stderr = open(os.devnull, "w")
    time.sleep(max(0, moment - time.time()))
    try:
        work()
    except RunFileError:
        os._exit(1)
    except BaseException:
        (home / "traceback").write_text(traceback.format_exc())
        os._exit(2)
    os._exit(0)

def together(*works):
    moment = time.time() + 0.05
    children = [process(work, moment) for work in works]
    return sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)

def weights(path):
    return (path / "model.safetensors").read_bytes()

def state(path):
    results, lines = path / "results.json", (path / "metrics.jsonl").read_text().splitlines()
    table = json.loads(results.read_text())
    return {"seed": table["seed"], "steps": [json.loads(line)["step"] for line in lines],
            "rows": len({(row["metric"], row["of"]) for row in table["results"]})}

alone = [trained(home / f"alone-{seed}", seed=seed, **LONG).path for seed in range(3)]
for number in range(rounds):
    path = home / f"run-{number}"
    if what == "overwrite":
        trained(path, seed=0, **LONG)
        new = [{**LONG, "seed": seed, "overwrite": True} for seed in (1, 2)]
        codes = together(*(lambda one=one: trained(path, **one) for one in new))
    elif what == "resume":
        child = process(lambda: trained(path, seed=0, **{**LONG, "steps": 1000}), 0)
        while not (path / "checkpoints" / "latest").exists():
            time.sleep(0.001)
        os.kill(child, 9), os.waitpid(child, 0)
        text = (path / "config.toml").read_text()
        (path / "config.toml").write_text(text.replace("steps = 1000", "steps = 12"))
        codes = together(*(lambda: trained(path, seed=0, resume=True, **LONG) for _ in range(2)))
    else:
        trained(path, seed=0, **LONG)
        asked = [{"metrics": ["probes"]}, {"metrics": ["reconstruction", "codes"]}]
        codes = together(*(lambda asked=asked: aezoo.evaluate(path, n=20, **asked) for asked in asked))
    found = state(path)
    print(json.dumps({"codes": codes, **found, "equal": weights(path) == weights(alone[found["seed"]]),
                      "left": sorted(name for name in os.listdir(home) if name.startswith("."))}), flush=True)
"""


def rounds(tmp_path, what, number):
    done = subprocess.run(
        [sys.executable, "-c", TOGETHER, tmp_path, what, str(number), json.dumps(TINY)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == number
    assert not (tmp_path / "traceback").exists(), (tmp_path / "traceback").read_text()
    return found


def check(tmp_path, what, number):
    for one in rounds(tmp_path, what, number):
        assert one["codes"] in ([0, 0], [0, 1])
        assert one["steps"] == list(range(1, 13)) and one["equal"] and one["left"] == []
        assert one["seed"] in ((1, 2) if what == "overwrite" else (0,))


@pytest.mark.parametrize("what", ["overwrite", "resume"])
def test_one_of_two_writes_and_the_other_is_refused(tmp_path, what):
    check(tmp_path, what, 1)


@pytest.mark.slow  # minutes
@pytest.mark.parametrize(("what", "number"), [("overwrite", 32), ("resume", 24)])
def test_many_pairs_lose_and_mix_nothing(tmp_path, what, number):
    check(tmp_path, what, number)
