"""MotionClip: the recorded or invented motion of one body."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import kinematics
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation


@dataclass(frozen=True)
class MotionClip:
    """Global rotations and the pelvis' position [m] at a constant frame rate [Hz]."""

    name: str
    subject: str
    fps: float
    skeleton: Skeleton
    rot_world_joint: Float[Tensor, 'frame joint 3 3']
    root: Float[Tensor, 'frame 3']

    def __len__(self) -> int:
        return len(self.root)

    @property
    def seconds(self) -> float:
        return (len(self) - 1) / self.fps

    @property
    def positions(self) -> Float[Tensor, 'frame joint 3']:
        """Joint positions in the world [m]."""
        return self.root[:, None] + kinematics.joint_positions(self.skeleton, self.rot_world_joint)

    def sampled(self, times: Float[Tensor, 'sample']) -> 'MotionClip':
        """The clip at other times [s], uniform at their own rate; slerp and lerp between frames, ends held."""
        index = (times.double() * self.fps).clamp(0, len(self) - 1)
        low = index.floor().long().clamp(max=max(len(self) - 2, 0))
        high = (low + 1).clamp(max=len(self) - 1)
        fraction = (index - low).to(self.root)
        rot = rotation.slerp(
            self.rot_world_joint[low],
            self.rot_world_joint[high],
            fraction[:, None].expand(-1, len(self.skeleton.bones)),
        )
        root = torch.lerp(self.root[low], self.root[high], fraction[:, None])
        fps = 1 / float(times[1] - times[0]) if len(times) > 1 else self.fps
        return replace(self, rot_world_joint=rot, root=root, fps=fps)

    def at_rate(self, fps: float) -> 'MotionClip':
        """The clip on another rate's grid [Hz], from its first frame on."""
        if fps == self.fps:
            return self
        count = int(self.seconds * fps + 1e-6) + 1
        return replace(self.sampled(torch.arange(count, dtype=torch.float64) / fps), fps=fps)

    def there_and_back(self) -> 'MotionClip':
        """The clip and then the clip backwards, so that its end goes over into its beginning without a jump."""
        order = [*range(len(self)), *range(len(self) - 2, 0, -1)]
        return replace(self, rot_world_joint=self.rot_world_joint[order], root=self.root[order])

    def on_body(self, skeleton: Skeleton) -> 'MotionClip':
        """The same rotations on other bones; the root's way is scaled by the ratio of leg lengths."""
        legs = [4, 5, 7, 8]
        ratio = float(skeleton.lengths[legs].sum() / self.skeleton.lengths[legs].sum())
        return replace(self, skeleton=skeleton, root=self.root * ratio)

    def scaled(self, factor: float) -> 'MotionClip':
        """A body of another size doing the same: bones and root multiplied alike."""
        return replace(self, skeleton=self.skeleton.scaled(factor), root=self.root * factor)
