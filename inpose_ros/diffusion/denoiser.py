"""Denoiser: a transformer over time that predicts clean rotations from noisy ones and what was measured.

A frame's input row holds, for each of the 22 joints, the noisy 6D rotation and {measured 6D rotation, mask, scale-free
location, mask}, then the head's height, its mask, and how joints are zeroed, and last {acceleration, mask} of each
joint. A token is `patch` consecutive frames
(Peebles and Xie, DiT, 2023), which halves the cost at the default of two. The timestep enters through adaptive layer
norms whose modulation is shared by all layers (Chen et al., PixArt-alpha, 2023).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

JOINTS = 22
JOINT_FEATURES = 11
CONDITION_FEATURES = JOINTS * JOINT_FEATURES + 3 + JOINTS * 4
OUTPUT_FEATURES = JOINTS * 9 + 5
# A standing head keeps within some per cent of its height; the gain makes a feature of that as large as the others.
HEIGHT_GAIN = 10.0
# Locations seen from the head are some third of a standing height.
LOCATION_GAIN = 3.0
# The same for accelerations, of which those of walking are some 3 standing heights a second squared.
ACCELERATION_GAIN = 0.2


@dataclass(frozen=True)
class DenoiserConfig:
    """Architecture and time grid; `rate` [Hz] is the rate of the frames."""

    frames: int = 40
    rate: float = 30.0
    width: int = 256
    layers: int = 6
    heads: int = 4
    expansion: int = 2
    patch: int = 2


@dataclass(frozen=True)
class Condition:
    """What was measured, in the heading-free frame; where a mask is false the value is ignored.

    `location` is over the standing height of the head joint: the head's own is relative to where the head was last
    seen, so it tells how the person moves but not where; the prior sees no other, which are the likelihood's.
    `height` is that of the head joint above the floor, over its standing height. Both are free of body size. `zeroed`
    says that the rotations, measured and wanted, are zero where the person's own N-pose is (~/calibrate), not in an
    anatomical T-pose.
    `acceleration` [1/s^2] is that of what is worn on the joint, over the same height: the second difference of its
    places at the frame and the two before, which is what an accelerometer says, averaged over these.
    """

    rotation: Float[Tensor, 'batch frame joint 6']
    rotation_mask: Bool[Tensor, 'batch frame joint']
    location: Float[Tensor, 'batch frame joint 3']
    location_mask: Bool[Tensor, 'batch frame joint']
    height: Float[Tensor, 'batch frame']
    height_mask: Bool[Tensor, 'batch frame']
    zeroed: Bool[Tensor, 'batch frame']
    acceleration: Float[Tensor, 'batch frame joint 3']
    acceleration_mask: Bool[Tensor, 'batch frame joint']

    def features(self) -> Float[Tensor, 'batch frame feature']:
        """One row a frame, in the order that the trained weights expect."""
        rotation_mask = self.rotation_mask[..., None].to(self.rotation)
        location_mask = self.location_mask[..., None].to(self.rotation)
        joints = torch.cat(
            (
                self.rotation * rotation_mask,
                rotation_mask,
                LOCATION_GAIN * self.location * location_mask,
                location_mask,
            ),
            -1,
        )
        height_mask = self.height_mask.to(self.rotation)
        height = torch.stack(
            (HEIGHT_GAIN * (self.height - 1) * height_mask, height_mask, self.zeroed.to(self.rotation)), -1
        )
        acceleration_mask = self.acceleration_mask[..., None].to(self.rotation)
        acceleration = torch.cat((ACCELERATION_GAIN * self.acceleration * acceleration_mask, acceleration_mask), -1)
        return torch.cat((joints.flatten(-2), height, acceleration.flatten(-2)), -1)

    def measured(self) -> Float[Tensor, 'batch frame joint 6']:
        """The measured rotations, zero where there is none."""
        return self.rotation * self.rotation_mask[..., None]

    def frames(self, which: slice) -> 'Condition':
        """Some frames of it."""
        return Condition(**{name: part[:, which] for name, part in vars(self).items()})


@dataclass(frozen=True)
class Prediction:
    """What the denoiser says of the clean window.

    `log_stddev` is the logarithm of the standard deviation [rad] of w in R = Pi(rotation) exp(w), per axis of the
    joint's own frame; `contact` are logits for left and right foot; `root_velocity` is the pelvis' in the heading-free
    frame, over the standing height of the head joint [1/s].
    """

    rotation: Float[Tensor, 'batch frame joint 6']
    log_stddev: Float[Tensor, 'batch frame joint 3']
    contact: Float[Tensor, 'batch frame 2']
    root_velocity: Float[Tensor, 'batch frame 3']

    @classmethod
    def read(cls, rows: Float[Tensor, 'batch frame output'], condition: Condition) -> 'Prediction':
        """From the rows that the network puts out: rotations relative to the measured ones, and so on."""
        joints = rows[..., : JOINTS * 9].unflatten(-1, (JOINTS, 9))
        return cls(
            rotation=joints[..., :6] + condition.measured(),
            log_stddev=joints[..., 6:] - 2.0,
            contact=rows[..., -5:-3],
            root_velocity=rows[..., -3:],
        )

    def frames(self, which: slice) -> 'Prediction':
        """Some frames of it."""
        return Prediction(**{name: part[:, which] for name, part in vars(self).items()})


class Block(nn.Module):
    """Self-attention over time and a feed-forward net, both modulated by the timestep."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.modulation = nn.Parameter(torch.zeros(6, width))
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.feedforward = nn.Sequential(
            nn.Linear(width, config.expansion * width),
            nn.GELU(),
            nn.Linear(config.expansion * width, width),
        )
        self.dropout = nn.Dropout(0.0)  # in training only; see Denoiser.drop

    def forward(
        self, x: Float[Tensor, 'batch frame width'], shared: Float[Tensor, 'batch 6 width']
    ) -> Float[Tensor, 'batch frame width']:
        shift1, scale1, gate1, shift2, scale2, gate2 = (shared + self.modulation)[:, :, None].unbind(1)
        # addcmul is one kernel in place of two, and each takes a GPU some microseconds, however small.
        attended = self._attend(torch.addcmul(shift1, self.norm1(x), 1 + scale1))
        x = torch.addcmul(x, gate1, self.dropout(attended))
        fed = self.feedforward(torch.addcmul(shift2, self.norm2(x), 1 + scale2))
        return torch.addcmul(x, gate2, self.dropout(fed))

    def _attend(self, x: Float[Tensor, 'batch frame width']) -> Float[Tensor, 'batch frame width']:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        if torch.is_grad_enabled():
            # Written out: for so few tokens the fused kernel's backward pass is several times slower on a CPU.
            weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
            found = weights.to(v) @ v
        else:
            found = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.project(found.transpose(1, 2).flatten(-2))


class Denoiser(nn.Module):
    """(x_t, t, condition) -> Prediction; see the module's text."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.embed_noisy = nn.Linear(config.patch * JOINTS * 6, width)
        self.embed_condition = nn.Linear(config.patch * CONDITION_FEATURES, width)
        self.position = nn.Parameter(0.02 * torch.randn(config.frames // config.patch, width))
        self.embed_step = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 6 * width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, config.patch * OUTPUT_FEATURES)
        self._start_small()

    def _start_small(self) -> None:
        """Begin with small outputs and open gates, and without any weight on locations, which come later."""
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            for block in self.blocks:
                block.modulation[[2, 5]] = 1.0
            last = self.embed_step[-1]
            last.weight.mul_(0.1)
            last.bias.zero_()
            rows = self.embed_condition.weight.unflatten(-1, (self.config.patch, CONDITION_FEATURES))
            rows[..., : JOINTS * JOINT_FEATURES].unflatten(-1, (JOINTS, JOINT_FEATURES))[..., 7:].zero_()

    def drop(self, share: float) -> None:
        """In training, leave out this share of what each layer adds (Srivastava et al., 2014); no weights change."""
        for block in self.blocks:
            block.dropout.p = share

    def forward(
        self, noisy: Float[Tensor, 'batch frame joint 6'], step: Int[Tensor, 'batch'], condition: Condition
    ) -> Prediction:
        return Prediction.read(self.rows(noisy.flatten(-2), step, condition.features()), condition)

    def rows(
        self, noisy: Float[Tensor, 'batch frame noisy'], step: Int[Tensor, 'batch'],
        features: Float[Tensor, 'batch frame feature'],
    ) -> Float[Tensor, 'batch frame output']:  # fmt: skip
        """The network alone, from rows to rows: what a backend runs."""
        return self.modulated(noisy, self.modulation(step, noisy), features)

    def modulated(
        self, noisy: Float[Tensor, 'batch frame noisy'], shared: Float[Tensor, 'batch 6 width'],
        features: Float[Tensor, 'batch frame feature'],
    ) -> Float[Tensor, 'batch frame output']:  # fmt: skip
        """As rows, by what `modulation` says of the timestep."""
        x = self.embed_noisy(self._patched(noisy)) + self.embed_condition(self._patched(features)) + self.position
        for block in self.blocks:
            x = block(x, shared)
        return self.head(self.norm(x)).float().unflatten(-1, (self.config.patch, OUTPUT_FEATURES)).flatten(1, 2)

    def modulation(self, step: Int[Tensor, 'batch'], like: Tensor) -> Float[Tensor, 'batch 6 width']:
        """What the timestep does to every layer; `like` gives the type."""
        return self.embed_step(self._step_features(step, like)).unflatten(-1, (6, -1))

    def _patched(self, rows: Float[Tensor, 'batch frame feature']) -> Float[Tensor, 'batch token feature2']:
        return rows.unflatten(1, (-1, self.config.patch)).flatten(-2)

    def _step_features(self, step: Int[Tensor, 'batch'], like: Tensor) -> Float[Tensor, 'batch width']:
        """Sinusoids of the timestep (Vaswani et al., 2017)."""
        half = self.config.width // 2
        frequency = torch.exp(-math.log(1e4) / half * torch.arange(half, device=like.device))
        angle = step[:, None].to(like.device) * frequency
        return torch.cat((angle.cos(), angle.sin()), -1).to(like.dtype)
