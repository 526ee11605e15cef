"""Extractors at work, and what is kept of their features."""

import errno
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from aezoo.errors import ConfigError
from aezoo.evaluation.space import BLOCK, Space
from aezoo.parts.measures import Extractor
from aezoo.rundir import sealed
from tests.folders import flip_a_bit


class Sums(Extractor):
    """Two sums; counts its rows."""

    cached = True

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale, self.seen = scale, 0

    def forward(self, x):
        self.seen += len(x)
        flat = x.flatten(1) * self.scale
        return torch.stack([flat.sum(1), flat.square().sum(1)], 1)


def rows(n, seed=0):
    return torch.randint(
        0, 256, (n, 1, 2, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )


def test_images_reach_the_extractor_between_0_and_1():
    features = Space("sums", Sums()).features(torch.full((3, 1, 2, 3), 255, dtype=torch.uint8))
    assert features.tolist() == [[6.0, 6.0]] * 3


def test_kept_features_are_not_extracted_again_and_are_the_same_bits(tmp_path):
    first, second = Sums(), Sums()
    images = rows(2 * BLOCK + 10)
    once = Space("sums", first, cache=tmp_path).features(images)
    again = Space("sums", second, cache=tmp_path).features(images)
    assert (first.seen, second.seen) == (2 * BLOCK + 10, 0)
    assert torch.equal(once, again)


def test_an_interrupted_extraction_goes_on_at_the_block_it_stopped_in(tmp_path):
    extractor, images = Sums(), rows(3 * BLOCK)

    def stop(done):
        if extractor.seen == 2 * BLOCK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Space("sums", extractor, cache=tmp_path).features(images, stop)
    again = Sums()
    features = Space("sums", again, cache=tmp_path).features(images)
    assert again.seen == BLOCK
    assert torch.equal(features, Space("sums", Sums()).features(images))


def test_other_rows_under_the_same_name_have_features_of_their_own(tmp_path):
    one = Space("sums", Sums(), cache=tmp_path).features(rows(4, seed=1))
    other = Space("sums", Sums(), cache=tmp_path).features(rows(4, seed=2))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("changed", ["weights", "settings", "layer", "resize"])
def test_whatever_features_depend_on_is_part_of_their_key(tmp_path, changed):
    images = rows(4)
    Space("sums", Sums(), cache=tmp_path, settings={"scale": 1.0}).features(images)
    other = Sums(scale=2.0)
    if changed == "weights":
        other.sha256 = "ab" * 32
    elif changed != "settings":
        setattr(other, changed, "another")
    settings = {"scale": 2.0 if changed == "settings" else 1.0}
    Space("sums", other, cache=tmp_path, settings=settings).features(images)
    assert other.seen == 4


def with_a_nan(file):
    """As a broken disk or another program might leave it: whole, by its seal."""
    key = sealed.read_said(file)["key"]
    features = load_file(file)["features"]
    features[0, 0] = torch.nan
    file.write_bytes(sealed.seal(save({"features": features}), {"key": key}))


def of_other_rows(file):
    other = file.parent / "other"
    Space("sums", Sums(), cache=other).features(rows(4, seed=7))
    (found,) = other.glob("*.safetensors")
    found.replace(file)


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        lambda file: file.write_bytes(file.read_bytes()[:-5]),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(save({"features": torch.ones(4, 2)})),
        with_a_nan,
        of_other_rows,
    ],
    ids=["bit", "cut", "empty", "unsealed", "nan", "other rows"],
)
def test_a_damaged_file_of_kept_features_is_made_anew_aloud(tmp_path, capsys, damage):
    images = rows(4)
    whole = Space("sums", Sums(), cache=tmp_path).features(images)
    (file,) = tmp_path.glob("*.safetensors")
    damage(file)
    assert torch.equal(Space("sums", Sums(), cache=tmp_path).features(images), whole)
    assert f"{file} is damaged" in capsys.readouterr().err
    assert torch.equal(Space("sums", Sums(scale=9), cache=tmp_path).features(images), whole)  # mended
    assert capsys.readouterr().err == ""


def test_kept_features_that_cannot_be_read_are_made_anew_aloud(tmp_path, monkeypatch, capsys):
    images, read = rows(4), Path.read_bytes
    whole = Space("sums", Sums(), cache=tmp_path).features(images)

    def refuse(path):
        if path.suffix == ".safetensors":
            raise OSError(errno.EIO, "Input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert torch.equal(Space("sums", Sums(), cache=tmp_path).features(images), whole)
    assert "Input/output error" in capsys.readouterr().err


def test_an_extractor_that_does_not_ask_for_it_keeps_nothing(tmp_path):
    class Plain(Sums):
        cached = False

    Space("plain", Plain(), cache=tmp_path).features(rows(4))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (lambda x: x, "(3, 1, 2, 3)"),
        (lambda x: x.flatten(1)[:2], "(2, 6)"),
        (lambda x: x.flatten(1) / 0, "finite"),
        (lambda x: x.flatten(1).long(), "int64"),
    ],
)
def test_an_extractor_that_answers_nonsense_is_named_with_what_it_said(answer, named):
    class Odd(Sums):
        def forward(self, x):
            return answer(x)

    with pytest.raises(ConfigError) as caught:
        Space("odd", Odd()).features(rows(3) | 1)
    assert "'odd'" in caught.value.what and named in caught.value.what


def test_features_of_changed_code_are_not_taken_from_the_cache(tmp_path, monkeypatch):
    """An extractor without weights, mended by its author, has the same name and settings as before."""
    source = "from tests.evaluation.test_space import Sums\n\nclass Mine(Sums):\n    pass\n"
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine_extractor.py").write_text(source)
    from mine_extractor import Mine

    Space("mine", Mine(), cache=tmp_path / "kept").features(rows(4))
    kept, changed = Mine(), Mine()
    Space("mine", kept, cache=tmp_path / "kept").features(rows(4))
    (tmp_path / "mine_extractor.py").write_text(source + "# mended\n")
    Space("mine", changed, cache=tmp_path / "kept").features(rows(4))
    assert (kept.seen, changed.seen) == (0, 4)


def test_a_weights_file_is_part_of_the_key_where_no_hash_says_more(tmp_path):
    Space("sums", Sums(), cache=tmp_path, settings={"weights": "a"}).features(rows(4))
    other, hashed = Sums(), Sums()
    Space("sums", other, cache=tmp_path, settings={"weights": "b"}).features(rows(4))
    assert other.seen == 4
    hashed.sha256 = "ab" * 32
    Space("sums", hashed, cache=tmp_path, settings={"weights": "a"}).features(rows(4))
    moved = Sums()
    moved.sha256 = hashed.sha256
    Space("sums", moved, cache=tmp_path, settings={"weights": "elsewhere"}).features(rows(4))
    assert (hashed.seen, moved.seen) == (4, 0)
