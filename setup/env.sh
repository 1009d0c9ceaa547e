# Source this in bash to run inpose_ros with ROS 2 from wheels: `. setup/env.sh`, then `python -m inpose_ros --help`.
# Needs `make setup` once. It works from any folder and may be sourced twice.

_inpose_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
if [ ! -e "$_inpose_root/.venv/complete.json" ] || [ ! -e "$_inpose_root/install/complete.json" ]; then
  echo "inpose_ros is not set up in $_inpose_root: run 'make setup' there first" >&2
  return 1
fi

if [ "${INPOSE_ENVIRONMENT:-}" != "$_inpose_root" ]; then
  # Another ROS in the same process would bring its own copies of the same libraries: start from none.
  unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH PYTHONHOME LD_LIBRARY_PATH
  export VIRTUAL_ENV="$_inpose_root/.venv"
  export PATH="$VIRTUAL_ENV/bin:$PATH"
  export AMENT_PREFIX_PATH="$VIRTUAL_ENV"
  export CMAKE_PREFIX_PATH="$VIRTUAL_ENV"
  export ROS_DISTRO=kilted
  export RMW_IMPLEMENTATION="${RMW_IMPLEMENTATION:-rmw_fastrtps_cpp}"
  case $- in *u*) _inpose_nounset=1; set +u ;; *) _inpose_nounset= ;; esac
  . "$_inpose_root/install/setup.bash"  # reads unset variables
  [ -z "$_inpose_nounset" ] || set -u
  export PYTHONPATH="$_inpose_root${PYTHONPATH:+:$PYTHONPATH}"  # the checkout's code goes before its installed links
  export INPOSE_ENVIRONMENT="$_inpose_root"
  unset _inpose_nounset
fi
unset _inpose_root
