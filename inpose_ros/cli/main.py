"""The command `inpose`: one subcommand a file."""

import sys
from collections.abc import Callable
from importlib import import_module

import tyro

from inpose_ros.errors import InPoseError
from inpose_ros.node.entry import missing

# The file of each; `report` is in results.
COMMANDS = ('demo', 'train', 'evaluate', 'report', 'bench', 'play', 'faults', 'stops')
_FILES = {'report': 'results'}


def command(name: str) -> Callable[..., int | None]:
    """A subcommand, or where it needs what is not installed (training needs no ROS, for one), what says so."""
    try:
        return getattr(import_module(f'inpose_ros.cli.{_FILES.get(name, name)}'), name)
    except ModuleNotFoundError as error:
        text = missing(error)

    def absent() -> None:
        raise InPoseError(text)

    absent.__doc__ = f'Not to be had here: {text}.'
    return absent


def main() -> None:
    """Run a subcommand; a mistake that the user can mend ends with its text and status 1."""
    try:
        status = tyro.extras.subcommand_cli_from_dict({name: command(name) for name in COMMANDS}, prog='inpose')
    except InPoseError as error:
        sys.exit(f'inpose: {error}')
    sys.exit(status)


if __name__ == '__main__':
    main()
