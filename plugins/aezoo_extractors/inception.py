"""The features that `fid` means: Inception of 2015-12-05, through torch-fidelity.

Source:  torch-fidelity's port of TensorFlow's classify_image_graph_def.pb (github.com/toshas/torch-fidelity)
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, final

import torch
from pydantic import Field
from torch import Tensor, nn

from aezoo.api import ConfigError, Extractor, MissingError, SetMetric
from aezoo_extractors.published import FID, ISC, KID, Neighbours, PrecisionRecall
from aezoo_extractors.shapes import image_shape

FILE = "weights-inception-2015-12-05-6726825d.pth"
HASH = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"  # sha256 of the file
VARIABLE = "AEZOO_INCEPTION"
TOGETHER = 32  # images; each takes 10 MB in the first layers, whatever its own size
LAYER = "2048"  # as torch-fidelity calls pool3


@final
class Inception(Extractor):
    """The 2048 features of pool3, of images rounded to 8 bits; grey is repeated to RGB."""

    takes = "images"
    layer = "pool3"
    resize = "TF1-like bilinear to 299x299 inside torch-fidelity"
    cached = True

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        weights: Annotated[
            str,
            Field(
                description=f"file with the weights; empty: ${VARIABLE}, else {FILE} in torch's hub folder"
            ),
        ] = "",
        download: Annotated[bool, Field(description="fetch missing weights into torch's hub folder")] = False,
    ) -> None:
        super().__init__()
        _check_channels(shape)
        file = _find(weights, download)
        self.weights, self.sha256 = str(file), _check(file)
        self.network = network(_load(file))
        self.instead = known_measures(self.network)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, 1 or 3, H, W] to [B, 2048], >= 0."""
        levels = (x.clamp(0, 1) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1)
        return torch.cat([self.network(some)[0] for some in levels.split(TOGETHER)])


def network(state: Mapping[str, Tensor]) -> nn.Module:
    """torch-fidelity's network with these weights: uint8 [B, 3, H, W] to a tuple of one, float [B, 2048].

    Raises:  RuntimeError naming a weight that is absent or has another shape
    """
    module = architecture()
    module.load_state_dict(state, assign=True)
    return module.float().requires_grad_(False).eval().to(memory_format=torch.channels_last)


def known_measures(network: nn.Module) -> dict[str, tuple[SetMetric, ...]]:
    """The measures that are known by names of their own on these features: torch-fidelity computes them."""
    classes = network.get_submodule("fc").get_parameter("weight")  # of ImageNet, without their bias
    return {"fd": (FID(), ISC(classes)), "kd": (KID(),), "knn": (PrecisionRecall(), Neighbours())}


def architecture() -> nn.Module:
    """The same network without weights: its parameters have shapes and no values.

    The constructor of torch-fidelity loads weights, unpickling whatever the file holds. It is given a file
    made here, and the weights come later.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Bare(FeatureExtractorInceptionV3):  # type: ignore[misc]  # untyped
        built = False

        def load_state_dict(self, *given: Any, **options: Any) -> Any:
            return super().load_state_dict(*given, **options) if self.built else None

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    with torch.device("meta"):  # draws no random number, and takes no memory
        module = Bare("inception", [LAYER], feature_extractor_weights_path=nothing)
    module.built = True
    found: nn.Module = module
    return found


# --- the file


def _find(weights: str, download: bool) -> Path:
    """The file that is named, or the one in torch's hub folder.

    Raises:  MissingError when it is not there
    """
    for named, where in ((weights, "--weights"), (os.environ.get(VARIABLE, ""), VARIABLE)):
        if named and not Path(named).expanduser().is_file():
            raise _missing(f"there is no file {named}", where)
        if named:
            return Path(named).expanduser()
    file = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not file.is_file() and download:
        _fetch(file)
    if not file.is_file():
        raise _missing(f"there is no {file}", "--weights")
    return file


def _missing(what: str, where: str) -> MissingError:
    return MissingError(
        f"the weights of the extractor 'inception' are not on this machine: {what}",
        where=where,
        fix=f"get {FILE}, whose sha256 is {HASH}, and put it there, or name it with --weights FILE "
        f"or in {VARIABLE}; --download fetches it",
    )


def _fetch(file: Path) -> None:
    """Raises MissingError when the right file cannot be fetched."""
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(URL_INCEPTION_V3, str(file), hash_prefix=HASH, progress=False)
    except (OSError, RuntimeError) as err:  # no network, a server's refusal, no space; another hash
        what = f"{URL_INCEPTION_V3} cannot be fetched into {file.parent}: {err}"
        raise _missing(what, "--download") from err


def _check(file: Path) -> str:
    """The file's sha256.

    Raises:  ConfigError when it is not the one that the file's name promises
    """
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != HASH:
        raise ConfigError(
            f"{file} is not the Inception of FID: its sha256 is {digest}, and should be {HASH}",
            where=str(file),
            fix=f"put the right {FILE} in its place, or name it with --weights FILE",
        )
    return digest


def _load(file: Path) -> dict[str, Tensor]:
    """The weights; nothing but tensors is unpickled."""
    try:
        found: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as err:
        raise ConfigError(
            f"{file} cannot be read as weights: {err}",
            where=str(file),
            fix=f"put the right {FILE} in its place",
        ) from err
    return found


def _check_channels(shape: tuple[int, ...]) -> None:
    channels, _, _ = image_shape(shape, "inception")
    if channels not in (1, 3):
        raise ConfigError(
            f"the extractor 'inception' takes images of 1 or 3 channels, and these have {channels}",
            where="extractor",
            fix="choose another one, such as 'random-conv'",
        )
