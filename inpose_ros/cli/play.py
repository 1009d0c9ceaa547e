"""`inpose play`: publish a motion or a recording as sensor topics."""

from pathlib import Path

from inpose_ros.cli import processes


def play(
    source: str = 'procedural',
    sensors: Path | None = None,
    seconds: float = 20.0,
    seed: int = 0,
    loop: bool = False,
    faults: Path | None = None,
) -> int:
    """Publish a motion as sensor topics until its end; the same as the ROS executable inpose_play.

    Args:
        source: `procedural`, the path of a recording (.npz), or a folder of packed motion data.
        sensors: File of sensor parameters; by default that of the demonstration.
        seconds: Length of the invented motion.
        seed: Seed of the invented motion, its body and the noise.
        loop: Begin again at the end.
        faults: File of what goes wrong with the sensors, and when (YAML).
    """
    params = {'source': source, 'seconds': seconds, 'seed': seed, 'loop': loop}
    if faults is not None:
        params['faults'] = str(faults.resolve())
    with processes.started('inpose_play', sensors or processes.config('sensors/demo.yaml'), params) as player:
        try:
            return player.wait()
        except KeyboardInterrupt:
            return 0
