"""`python -m inpose_ros`, and the console script `inpose`: the command line."""

import sys

from inpose_ros.node.entry import missing


def main() -> None:
    """Run it; where what it needs is not there, say what would do."""
    try:
        from inpose_ros.cli.main import main as run
    except ModuleNotFoundError as error:
        sys.exit(missing(error))
    run()


if __name__ == '__main__':
    main()
