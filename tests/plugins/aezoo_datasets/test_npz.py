"""Arrays in a file: layouts, types, labels, and what cannot be trained on."""

import zipfile
import zlib

import numpy as np
import pytest
import torch

from aezoo.errors import ConfigError, MissingError
from aezoo_datasets.npz import Npz


def numbers(*shape, dtype=np.uint8):
    values = np.arange(np.prod(shape)).reshape(shape) % 251
    return values.astype(np.uint8) if dtype is np.uint8 else (values / 250).astype(dtype)


def load(tmp_path, /, settings=None, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return Npz(str(tmp_path / "a.npz"), **(settings or {})).load()


def refusal(tmp_path, /, settings=None, **arrays):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, settings, **arrays)
    assert caught.value.exit_code == 2 and caught.value.fix
    return str(caught.value)


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ((20, 1, 17, 23), (1, 17, 23)),
        ((20, 17, 23), (1, 17, 23)),
        ((20, 17, 23, 1), (1, 17, 23)),
        ((20, 3, 8, 9), (3, 8, 9)),
        ((20, 8, 9, 3), (3, 8, 9)),
        ((20, 3, 9, 3), (3, 9, 3)),
        ((20, 7), (7,)),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.float16])
def test_every_layout_becomes_rows_in_range(tmp_path, shape, row, dtype):
    data = load(tmp_path, x=numbers(*shape, dtype=dtype))
    assert data.shape == row == tuple(data.train.values.shape[1:])
    assert (len(data.train), len(data.test)) == (18, 2)
    x = data.x(data.train.values)
    assert x.dtype == torch.float32 and x.min() >= 0 and x.max() <= 1 and data.range == (0.0, 1.0)


def test_channels_last_are_turned_and_not_reread(tmp_path):
    images = numbers(20, 8, 9, 3)
    data = load(tmp_path, train=images, test=images)
    assert np.array_equal(data.train.values.numpy(), images.transpose(0, 3, 1, 2))


def test_the_files_own_parts_and_labels_are_taken(tmp_path):
    labels = np.arange(12) % 3
    data = load(
        tmp_path,
        train=numbers(12, 5),
        test=numbers(4, 5),
        validation=numbers(2, 5),
        train_labels=labels,
        labels_test=labels[:4],
    )
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 2, 4]
    assert data.train.labels.tolist() == labels.tolist() and data.test.labels.tolist() == [0, 1, 2, 0]
    assert data.classes == ("0", "1", "2")


def test_labels_of_x_are_parted_along(tmp_path):
    x = np.repeat(np.arange(20, dtype=np.uint8)[:, None], 4, 1)
    data = load(tmp_path, {"test": 0.25, "validation": 2}, x=x, labels=np.arange(20))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [13, 2, 5]
    for part in (data.train, data.validation, data.test):
        assert part.labels.tolist() == part.values[:, 0].tolist()


def test_unbounded_vectors_have_no_range(tmp_path):
    data = load(tmp_path, {"bounded": False}, x=np.linspace(-9, 9, 60, dtype=np.float32).reshape(20, 3))
    assert data.range is None and data.x(data.train.values).min() < -5


# --- faults


def test_a_missing_file_is_exit_3(tmp_path):
    with pytest.raises(MissingError, match=r"nothere\.npz") as caught:
        Npz(str(tmp_path / "nothere.npz")).load()
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "nan"), (np.inf, "inf"), (1.5, "1.5"), (-0.25, "-0.25")]
)
def test_the_first_row_with_a_bad_value_is_named(tmp_path, value, said):
    x = numbers(20, 1, 4, 4, dtype=np.float32)
    x[7, 0, 1, 2] = x[9, 0, 0, 0] = value
    found = refusal(tmp_path, x=x)
    assert "row 7" in found and said in found and "a.npz" in found


def test_unbounded_vectors_are_finite_all_the_same(tmp_path):
    assert "row 3" in refusal(
        tmp_path, {"bounded": False}, x=np.where(np.arange(20)[:, None] == 3, np.nan, np.ones((20, 2)))
    )


def test_unbounded_is_for_vectors_alone(tmp_path):
    assert "row 0" in refusal(tmp_path, {"bounded": False}, x=np.full((20, 1, 4, 4), 2.0))


@pytest.mark.parametrize("shape", [(20,), (20, 5, 6, 7), (20, 1, 4, 4, 1), (0, 4), (20, 0)])
def test_another_shape_is_named(tmp_path, shape):
    found = refusal(tmp_path, x=np.zeros(shape, np.uint8))
    assert str(shape) in found and "[N, C, H, W]" in found


@pytest.mark.parametrize("dtype", [np.int64, np.complex64, "U3"])
def test_another_type_is_named(tmp_path, dtype):
    assert np.dtype(dtype).name.rstrip("0123456789") in refusal(
        tmp_path, x=np.ones((20, 4)).astype(dtype)
    ).replace("<U", "str")


def test_nothing_is_unpickled(tmp_path):
    assert "pickle" in refusal(tmp_path, x=np.array([{}] * 20, dtype=object))


def test_a_file_without_rows_says_what_it_holds(tmp_path):
    found = refusal(tmp_path, pictures=numbers(20, 4))
    assert "holds pictures" in found and "np.savez" in found


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text", None])
def test_a_damaged_file_is_named_and_nobody_is_told_how_to_unpickle(tmp_path, content):
    np.savez(tmp_path / "a.npz", x=numbers(40, 30))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ConfigError, match=r"a\.npz") as caught:
        Npz(str(tmp_path / "a.npz")).load()
    assert "pickle" not in str(caught.value)


@pytest.mark.parametrize("labels", [np.zeros(19, int), np.zeros((20, 1), int), np.zeros(20), np.full(20, -1)])
def test_labels_that_are_no_classes_are_named(tmp_path, labels):
    assert "labels" in refusal(tmp_path, x=numbers(20, 4), labels=labels)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_parts_of_two_shapes_are_named(tmp_path, part):
    rows = numbers(20, 1, 4, 4)
    found = refusal(tmp_path, **{"train": rows, "test": rows, part: rows[:, :, :2]})
    assert f"{part} of (1, 2, 4)" in found and "(1, 4, 4)" in found


def test_vectors_cannot_be_mirrored(tmp_path):
    assert "dataset.flip" in refusal(tmp_path, {"flip": True}, x=numbers(20, 4))


def test_a_single_array_is_no_npz(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((20, 1, 4, 4), np.uint8))
    with pytest.raises(ConfigError) as err:
        Npz(str(tmp_path / "x.npy")).load()
    assert "x.npy" in err.value.what and "np.savez" in err.value.fix


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"'descr'", b"'d\\scr'"), (b"{'descr", b"[[[[[[["), (b"(40, 30)", b"(40, 3("), (b"|u1", b"|O8")],
)
def test_a_mangled_header_is_named(tmp_path, old, new):
    file = tmp_path / "a.npz"
    np.savez(file, x=numbers(40, 30))
    content = file.read_bytes()
    body = zipfile.ZipFile(file).read("x.npy")
    mangled = body.replace(old, new, 1)
    assert mangled != body
    sums = [zlib.crc32(one).to_bytes(4, "little") for one in (body, mangled)]
    file.write_bytes(content.replace(body, mangled).replace(*sums))
    with pytest.raises(ConfigError, match=r"a\.npz"):
        Npz(str(file)).load()


def test_classes_of_all_parts_are_counted_together(tmp_path):
    rows = numbers(4, 3)
    data = load(tmp_path, train=rows, test=rows, train_labels=[5, 10**7, 5, 5], test_labels=[9, 9, 9, 10**7])
    assert data.classes == ("5", "9", "10000000")
    assert data.train.labels.tolist() == [0, 2, 0, 0] and data.test.labels.tolist() == [1, 1, 1, 2]
