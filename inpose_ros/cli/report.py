"""What a report says besides its numbers: how it came about."""

import importlib.metadata
import json
import platform
import shlex
import sys
from pathlib import Path

_PACKAGES = ('torch', 'numpy', 'scipy', 'roma', 'safetensors')


def provenance(device: object, seed: int, model: str) -> dict[str, object]:
    """Command, versions, device, seed and the digest of the weights."""
    versions = {'python': platform.python_version(), 'machine': platform.machine()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    command = shlex.join(['inpose', *sys.argv[1:]])
    return {'command': command, 'versions': versions, 'device': str(device), 'seed': seed, 'model': model}


def write(path: Path, report: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + '\n')
