"""The demonstration: an invented person, tracked. `ros2 launch inpose_ros demo.launch.py rviz:=true`.

It takes all arguments of inpose.launch.py.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

INCLUDED = 'inpose.launch.py'


def generate_launch_description() -> LaunchDescription:
    source = PythonLaunchDescriptionSource(str(Path(__file__).parent / INCLUDED))
    return LaunchDescription([IncludeLaunchDescription(source, launch_arguments={'demo': 'true'}.items())])
