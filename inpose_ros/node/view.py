"""The view for RViz, with the frames of one body in it."""

import re

import yaml

DEFAULT_WORLD, DEFAULT_PREFIX = 'world', 'human/'


def filled(view: str, world_frame: str, frame_prefix: str) -> str:
    """The text of config/inpose.rviz for a body in these frames: fixed to its world, and of the frames its own."""
    content = yaml.safe_load(view)
    manager = content['Visualization Manager']
    manager['Global Options']['Fixed Frame'] = world_frame
    for display in manager['Displays']:
        if display['Class'] == 'rviz_default_plugins/TF':
            display['Filter (whitelist)'] = own_frames(world_frame, frame_prefix)
    return yaml.safe_dump(content, sort_keys=False)


def own_frames(world_frame: str, frame_prefix: str) -> str:
    """The expression for the frames of one body, and the world's; RViz looks for it anywhere in a name."""
    return f'^{re.escape(frame_prefix)}|^{re.escape(world_frame)}$'
