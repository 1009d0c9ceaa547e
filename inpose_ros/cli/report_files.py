"""What a report says besides its numbers: how it came about."""

import hashlib
import importlib.metadata
import json
import os
import platform
import shlex
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
# Where estimates and scores come from; what tools/report_pages makes of them is another matter.
_ROOMS = ('geometry', 'body', 'sensing', 'diffusion', 'motion', 'evaluation')
_PACKAGES = ('torch', 'numpy', 'scipy', 'roma', 'safetensors')


def provenance(device: object, seed: int, model: str) -> dict[str, object]:
    """Command, versions, device, seed and the digest of the weights."""
    versions = {'python': platform.python_version(), 'machine': platform.machine()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    command = shlex.join(['inpose', *sys.argv[1:]])
    return {'command': command, 'versions': versions, 'device': str(device), 'seed': seed, 'model': model}


def code_digest() -> str:
    """The first 12 hex digits of the SHA-256 of all code that estimates and scores go through."""
    files = [path for room in _ROOMS for path in sorted((_PACKAGE / room).rglob('*.py'))]
    counted = [path for path in files if _PACKAGE / 'evaluation' / 'results' not in path.parents]
    return _digest(b''.join(path.read_bytes() for path in counted))


def data_digest(folder: Path) -> str:
    """The same of the index of packed motion, which names its clips and bodies."""
    return _digest((folder / 'index.json').read_bytes())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def write(path: Path, report: dict[str, object]) -> None:
    """As JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f'{path.name}.part')
    unfinished.write_text(json.dumps(report, indent=1) + '\n')
    os.replace(unfinished, path)
