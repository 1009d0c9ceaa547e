import json

import pytest
import safetensors.torch
import torch

from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.prior import Spread
from inpose_ros.errors import ModelError

from .examples import small_denoiser


def test_a_model_comes_back_as_it_was_saved_but_for_half_precision(tmp_path):
    denoiser = small_denoiser()
    checkpoint.save(tmp_path, denoiser, Spread.unmeasured().tensors())
    loaded, spread = checkpoint.load(tmp_path)
    assert loaded.config == denoiser.config
    for name, value in denoiser.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())
    assert torch.equal(Spread(**spread).correlation, torch.eye(66)[None])


@pytest.mark.parametrize('change', ['missing', 'format', 'joints', 'shape', 'infinite', 'garbage'])
def test_what_is_no_model_is_refused_with_its_name(tmp_path, change):
    checkpoint.save(tmp_path, small_denoiser())
    config, weights = tmp_path / 'config.json', tmp_path / 'model.safetensors'
    table = json.loads(config.read_text())
    tensors = safetensors.torch.load_file(weights)
    if change == 'missing':
        config.unlink()
    elif change == 'format':
        config.write_text(json.dumps(table | {'format': 'other'}))
    elif change == 'joints':
        config.write_text(json.dumps(table | {'joints': table['joints'][:-1]}))
    elif change == 'shape':
        config.write_text(json.dumps(table | {'denoiser': table['denoiser'] | {'width': 64}}))
    elif change == 'infinite':
        safetensors.torch.save_file(tensors | {'position': tensors['position'] * torch.inf}, weights)
    else:
        weights.write_bytes(b'no weights')
    with pytest.raises(ModelError, match=str(tmp_path)):
        checkpoint.load(tmp_path)
