"""MotionPrior: the denoiser with its noise schedule and a measured spread; it knows no body size and no location."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.backend import Backend, TorchBackend, backend_for
from inpose_ros.diffusion.denoiser import JOINTS, Condition, Denoiser, Prediction
from inpose_ros.diffusion.schedule import NoiseSchedule
from inpose_ros.diffusion.shared_backend import SharedBackend
from inpose_ros.geometry import rotation

_TANGENT = 3 * JOINTS
_UNCHANGED = torch.ones(())


@dataclass(frozen=True, eq=False)
class Spread:
    """How the denoiser's errors go together, measured on motion that it was not trained on, at some noise levels.

    The covariance of the tangent errors w (R_true = R exp(w), joint after joint) is S K S, with the correlation
    K of the level and S the predicted standard deviations times `scale`. `caution` is by how much the standard
    deviations of the sampler's last estimate are widened before anybody is told, since new people may be harder.
    """

    steps: Float[Tensor, 'level']
    correlation: Float[Tensor, 'level tangent tangent']
    scale: Float[Tensor, 'level tangent']
    caution: Float[Tensor, ''] = _UNCHANGED

    @classmethod
    def unmeasured(cls) -> 'Spread':
        """Independent errors, of the size that the denoiser says."""
        return cls(torch.zeros(1), torch.eye(_TANGENT)[None], torch.ones(1, _TANGENT))

    def level(self, step: int) -> tuple[Float[Tensor, 'tangent tangent'], Float[Tensor, 'tangent']]:
        """Correlation and scale of the nearest measured noise level."""
        nearest = int((self.steps - step).abs().argmin())
        return self.correlation[nearest], self.scale[nearest]

    def tensors(self) -> dict[str, Tensor]:
        return dict(vars(self))


class MotionPrior:
    """p(rotations of a window | measured rotations, head height), reached through its denoiser."""

    def __init__(self, denoiser: Denoiser, spread: Spread | None = None, device: torch.device | None = None) -> None:
        self.device = device or denoiser.position.device
        self.denoiser = denoiser.to(self.device)
        self.schedule = NoiseSchedule()
        self.spread = spread or Spread.unmeasured()
        self.backend: Backend = TorchBackend(self.denoiser)

    @classmethod
    def load(cls, folder: str | Path, device: torch.device, backend: str = 'torch', threads: int = 1) -> 'MotionPrior':
        """Read a model folder.

        Args:
            threads: of a backend that has its own.

        Raises:
            ModelError: see checkpoint.load.
            DeviceError: see backend_for.
        """
        denoiser, tensors = checkpoint.load(folder)
        prior = cls(denoiser, Spread(**tensors) if tensors else None, device)
        prior.backend = backend_for(backend, prior.denoiser, device, threads)
        return prior

    def by(self, backend: str, threads: int = 1) -> 'MotionPrior':
        """The same prior, whose network is run by another backend; see backend_for."""
        other = MotionPrior(self.denoiser, self.spread, self.device)
        other.backend = backend_for(backend, self.denoiser, self.device, threads)
        return other

    def shared(self, most: int) -> 'MotionPrior':
        """The same prior for any number of threads, whose passes go together, up to so many windows."""
        other = MotionPrior(self.denoiser, self.spread, self.device)
        other.backend = SharedBackend(self.backend, most)
        return other

    @property
    def frames(self) -> int:
        return self.denoiser.config.frames

    @property
    def rate(self) -> float:
        """Rate of the frames [Hz]."""
        return self.denoiser.config.rate

    def noise(self, generator: torch.Generator) -> Float[Tensor, '1 frame joint 6']:
        """A draw of x_T; on the CPU, so that every device starts from the same."""
        return torch.randn(1, self.frames, JOINTS, 6, generator=generator).to(self.device)

    def denoise(self, noisy: Float[Tensor, 'batch frame joint 6'], step: int, condition: Condition) -> Prediction:
        """Predict the clean window from x_t, on the device where that is: for few windows all but the network is
        quicker on the CPU."""
        if noisy.device.type == self.device.type:
            return self.backend(noisy, step, condition)
        rows = self.backend.rows(noisy.flatten(-2).numpy(), step, condition.features().numpy())
        return Prediction.read(torch.from_numpy(rows), condition)

    def rotations(self, prediction: Prediction, condition: Condition) -> Float[Tensor, 'batch frame joint 3 3']:
        """The predicted rotations; where a rotation was measured, the measurement.

        Of who is zeroed, the bends that nothing measured are shared out, as they are in training.
        """
        mask = condition.rotation_mask[..., None]
        rot = rotation.matrix_from_6d(torch.where(mask, condition.rotation, prediction.rotation))
        free = condition.zeroed[..., None] & ~condition.rotation_mask
        return torch.where(free[..., None, None], kinematics.shared_out(rot), rot)

    def covariance(
        self, prediction: Prediction, condition: Condition, step: int, measured_stddev: Float[Tensor, 'joint']
    ) -> Float[Tensor, 'batch frame tangent tangent']:
        """Covariance of the tangent errors of `rotations` [rad^2].

        A measured joint errs by its sensor's standard deviation [rad], independently of the rest.
        """
        correlation, scale = (part.to(measured_stddev.device) for part in self.spread.level(step))
        stddev = prediction.log_stddev.clamp(-5, 1).exp().flatten(-2) * scale
        measured = condition.rotation_mask.repeat_interleave(3, -1)
        stddev = stddev * ~measured
        own = (measured_stddev.square().repeat_interleave(3) * measured).diag_embed()
        return stddev[..., :, None] * correlation * stddev[..., None, :] + own

    def told(
        self, covariance: Float[Tensor, 'batch tangent tangent'], measured: Bool[Tensor, 'batch joint']
    ) -> Float[Tensor, 'batch tangent tangent']:
        """The covariance of an estimate as others are told it: with caution, but where a sensor measured."""
        wider = torch.where(measured, 1.0, float(self.spread.caution)).repeat_interleave(3, -1)
        return wider[..., :, None] * covariance * wider[..., None, :]
