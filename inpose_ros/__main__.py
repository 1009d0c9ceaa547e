"""`python -m inpose_ros`: the command line."""

from inpose_ros.cli.main import main

if __name__ == '__main__':
    main()
