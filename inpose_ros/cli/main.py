"""The command `inpose`: one subcommand a file."""

import sys

import tyro

from inpose_ros.cli.bench import bench
from inpose_ros.cli.demo import demo
from inpose_ros.cli.evaluate import evaluate
from inpose_ros.cli.faults import faults
from inpose_ros.cli.play import play
from inpose_ros.cli.results import report
from inpose_ros.cli.stops import stops
from inpose_ros.cli.train import train
from inpose_ros.errors import InPoseError

COMMANDS = {
    'demo': demo, 'train': train, 'evaluate': evaluate, 'report': report, 'bench': bench, 'play': play,
    'faults': faults, 'stops': stops,
}  # fmt: skip


def main() -> None:
    """Run a subcommand; a mistake that the user can mend ends with its text and status 1."""
    try:
        status = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog='inpose')
    except InPoseError as error:
        sys.exit(f'inpose: {error}')
    sys.exit(status)


if __name__ == '__main__':
    main()
