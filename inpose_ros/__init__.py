"""Full-body human pose from a few body-worn sensors, by a diffusion prior guided by the measurements."""

from pkgutil import extend_path

# The generated messages (inpose_ros.msg, inpose_ros.srv) live in a folder of the same name further down sys.path.
__path__ = extend_path(__path__, __name__)
__version__ = '0.1.0'
