"""How sensors are strapped on, from a pose that the user holds."""

from inpose_ros.sensing.calibration.rest_poses import REST_POSES

__all__ = ['REST_POSES']
