"""The command `inpose`: one subcommand a file."""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import tyro

from inpose_ros.errors import InPoseError
from inpose_ros.node.entry import missing

# The module of each subcommand. Tools are for developers: a checkout has them, a robot has not.
COMMANDS = {name: f'inpose_ros.cli.{name}' for name in ('demo', 'play')}
TOOLS = {name: f'inpose_ros.tools.{name}' for name in ('train', 'evaluate', 'report', 'bench', 'faults', 'stops')}


def commands() -> dict[str, Callable[..., int | None]]:
    """Every subcommand that can be had here."""
    modules = COMMANDS | (TOOLS if find_spec('inpose_ros.tools') else {})
    return {name: command(name, module) for name, module in modules.items()}


def command(name: str, module: str) -> Callable[..., int | None]:
    """A subcommand; where it needs what is not installed (training needs no ROS, for one), one that says so."""
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        text = missing(error)

    def absent() -> None:
        raise InPoseError(text)

    absent.__doc__ = f'Not to be had here: {text}.'
    return absent


def main() -> None:
    """Run a subcommand; a mistake that the user can mend ends with its text and status 1."""
    try:
        status = tyro.extras.subcommand_cli_from_dict(commands(), prog='inpose')
    except InPoseError as error:
        sys.exit(f'inpose: {error}')
    sys.exit(status)


if __name__ == '__main__':
    main()
