"""A model is a folder: config.json beside model.safetensors, float16 on disk, never a pickle."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import safetensors
import safetensors.torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion.denoiser import Denoiser, DenoiserConfig
from inpose_ros.errors import ModelError

FORMAT = 'inpose-denoiser-2'
_SPREAD = 'spread.'


def save(folder: str | Path, denoiser: Denoiser, spread: dict[str, Float[Tensor, '*any']] | None = None) -> None:
    """Write weights (and the tensors of the prior's Spread) as float16, and the configuration that reads them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().half().contiguous() for name, value in denoiser.state_dict().items()}
    tensors |= {_SPREAD + name: value.half().contiguous() for name, value in (spread or {}).items()}
    (folder / 'model.safetensors').write_bytes(safetensors.torch.save(tensors))
    config = {'format': FORMAT, 'joints': list(smpl22.JOINTS), 'denoiser': asdict(denoiser.config)}
    (folder / 'config.json').write_text(json.dumps(config, indent=1) + '\n')


def load(folder: str | Path) -> tuple[Denoiser, dict[str, Float[Tensor, '*any']]]:
    """Read a model folder: the denoiser in float32, ready for inference, and the tensors of its Spread.

    Raises:
        ModelError: the folder is no model, or one of another format or skeleton.
    """
    folder = Path(folder)
    config = _read_config(folder / 'config.json')
    denoiser = Denoiser(config)
    try:
        tensors = {
            name: value.float() for name, value in safetensors.torch.load_file(folder / 'model.safetensors').items()
        }
        spread = {name.removeprefix(_SPREAD): tensors.pop(name) for name in list(tensors) if name.startswith(_SPREAD)}
        denoiser.load_state_dict(tensors)
    except (OSError, safetensors.SafetensorError, RuntimeError) as error:
        raise ModelError(f'{folder}/model.safetensors does not hold the weights of its config.json: {error}') from error
    if not all(value.isfinite().all() for value in tensors.values()):
        raise ModelError(f'{folder}/model.safetensors has weights that are not finite; train again or restore the file')
    return denoiser.eval().requires_grad_(False), spread


def _read_config(path: Path) -> DenoiserConfig:
    try:
        config = json.loads(path.read_text())
        if config['format'] != FORMAT:
            raise ModelError(f'{path} has format {config["format"]!r}; this version reads {FORMAT!r}')
        missing = [name for name in smpl22.JOINTS if name not in config['joints']]
        if tuple(config['joints']) != smpl22.JOINTS:
            raise ModelError(
                f'{path} has no joints {missing}; it has {config["joints"]}. Choose weights trained on this skeleton.'
            )
        return DenoiserConfig(**config['denoiser'])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f'{path} is no model configuration: {error!r}. A model is a folder with config.json and '
                         'model.safetensors.') from error  # fmt: skip


def digest(folder: str | Path) -> str:
    """The first 12 hex digits of the weights' SHA-256: names a model in reports."""
    return hashlib.sha256((Path(folder) / 'model.safetensors').read_bytes()).hexdigest()[:12]
