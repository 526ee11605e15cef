"""A dataset by its name, as plugins ask for it."""

import numpy as np
import pytest

from aezoo.api import ConfigError, load_dataset


def test_a_registered_name_with_its_settings_gives_the_rows():
    data = load_dataset("digits", image_size=4)
    assert data.shape == (1, 4, 4) and (len(data.train), len(data.test)) == (1437, 360)


def test_a_name_with_a_path_is_read_from_there(tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.zeros((20, 3, 3), np.uint8))
    assert load_dataset(f"npz:{tmp_path / 'rows.npz'}").shape == (1, 3, 3)


def test_an_unknown_name_or_setting_is_refused():
    with pytest.raises(ConfigError, match="no dataset is called 'digit'"):
        load_dataset("digit")
    with pytest.raises(ConfigError, match="sides"):
        load_dataset("digits", sides=3)
