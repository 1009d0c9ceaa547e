"""Reader of the packed motion data: index.json beside npz files of local quaternions.

The format is described in the README of the data; a clip names its file, its first frame and its length.
"""

import functools
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import DataError
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip

# Sources whose licences let the weights be given away under Apache-2.0; hdm05 is share-alike.
PERMISSIVE_SOURCES = ('cmu', 'cmu_retarget', 'accad', 'mhad', 'uiprmd')


class PackedMotion:
    """The clips of one split of a folder of packed motion data, as MotionClips in float32."""

    def __init__(self, folder: str | Path, split: str, sources: tuple[str, ...] | None = None) -> None:
        """Open a split (train, val, test), of all sources or of some.

        Raises:
            DataError: the folder holds no such data, or another skeleton's.
        """
        self.folder = Path(folder)
        self._index = self._read_index()
        self.rows = [
            row for row in self._index['clips'] if row['split'] == split and (not sources or row['source'] in sources)
        ]
        if not self.rows:
            found = sorted({row['split'] for row in self._index['clips']})
            raise DataError(
                f'{self.folder} has no clips of split {split!r} (sources: {sources or "all"}); it has {found}'
            )

    def _read_index(self) -> dict:
        path = self.folder / 'index.json'
        try:
            index = json.loads(path.read_text())
            joints, clips, subjects = index['joints'], index['clips'], index['subjects']
        except FileNotFoundError:
            raise DataError(
                f'{path} is missing; give the folder of the packed motion data (index.json, *.npz)'
            ) from None
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f'{path} is no index of packed motion data: {error!r}') from error
        if tuple(joints) != smpl22.JOINTS:
            raise DataError(f'{path} is about the joints {joints}; needed are {list(smpl22.JOINTS)}')
        unknown = sorted({row['subject'] for row in clips} - set(subjects))
        if unknown:
            raise DataError(f'{path} has clips of subjects without bones: {unknown}')
        return index

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[MotionClip]:
        return (self.clip(i) for i in range(len(self)))

    @functools.cache  # noqa: B019 - a reader lives as long as its data
    def _arrays(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        path = self.folder / name
        try:
            with np.load(path, allow_pickle=False) as file:
                return file['quat'], file['trans']
        except FileNotFoundError:
            raise DataError(f'{path} is missing, but index.json names it') from None
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f'{path} is no packed motion (quat, trans): {error}') from error

    def skeleton(self, subject: str) -> Skeleton:
        return Skeleton(torch.tensor(self._index['subjects'][subject]['offsets'], dtype=torch.float64))

    def clip(self, number: int) -> MotionClip:
        """Read a clip at its own frame rate.

        Raises:
            DataError: the clip's frames are not all there, or not finite.
        """
        row = self.rows[number]
        quat, trans = self._arrays(row['file'])
        frames = slice(row['start'], row['start'] + row['length'])
        quat, trans = quat[frames], trans[frames]
        if len(quat) != row['length'] or quat.shape[1:] != (22, 4) or not np.isfinite(trans).all():
            raise DataError(f'{row["file"]} does not hold the {row["length"]} frames of clip {row["name"]!r}')
        local = rotation.matrix_from_quat(torch.from_numpy(quat.astype(np.float32)))
        return MotionClip(
            name=row['name'],
            subject=row['subject'],
            fps=float(row['fps']),
            skeleton=self.skeleton(row['subject']),
            rot_world_joint=kinematics.global_rotations(local),
            root=torch.from_numpy(trans.astype(np.float32)),
        )
