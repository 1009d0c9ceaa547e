"""The 22-joint body tree of SMPL: names, parents, mirror pairs, mean bones.

Rest pose: a T-pose facing +x, arms along +-y, z up, every global rotation the identity.
"""

JOINTS = (
    'pelvis', 'left_hip', 'right_hip', 'spine1', 'left_knee', 'right_knee', 'spine2', 'left_ankle', 'right_ankle',
    'spine3', 'left_foot', 'right_foot', 'neck', 'left_collar', 'right_collar', 'head', 'left_shoulder',
    'right_shoulder', 'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist',
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
INDEX = {name: index for index, name in enumerate(JOINTS)}


def _mirrored(name: str) -> str:
    side, _, rest = name.partition('_')
    return {'left': f'right_{rest}', 'right': f'left_{rest}'}.get(side, name)


# MIRROR[j] is the joint that j becomes when left and right are exchanged.
MIRROR = tuple(INDEX[_mirrored(name)] for name in JOINTS)

HEAD, PELVIS, WRISTS, TOES = INDEX['head'], 0, (20, 21), (10, 11)

# Groups of joints that body scalings and scores speak of; a bone belongs to the joint at its far end.
UPPER = tuple(INDEX[n] for n in JOINTS if n.startswith('spine') or n in ('neck', 'head') or n.partition('_')[2] in
              ('collar', 'shoulder', 'elbow', 'wrist'))  # fmt: skip
LOWER = tuple(INDEX[n] for n in JOINTS if n.partition('_')[2] in ('hip', 'knee', 'ankle', 'foot'))
BONE_GROUPS = {
    'arms': ('left_elbow', 'right_elbow', 'left_wrist', 'right_wrist'),
    'torso': ('spine1', 'spine2', 'spine3', 'neck', 'left_collar', 'right_collar'),
    'legs': ('left_knee', 'right_knee', 'left_ankle', 'right_ankle', 'left_foot', 'right_foot'),
    'shoulders': ('left_shoulder', 'right_shoulder'),
    'hips': ('left_hip', 'right_hip'),
    'head': ('head',),
}
BONE_GROUPS['upper'] = (*BONE_GROUPS['arms'], *BONE_GROUPS['torso'], *BONE_GROUPS['shoulders'], *BONE_GROUPS['head'])

# Mean over the 35 training subjects with a skeleton of their own (cmu, accad, mhad, uiprmd), made symmetric [m].
# MEAN_STATURE [m] is the height of a person with these bones: the hip stands at 0.53 of the stature
# (Drillis and Contini, 1966), which gives 1.70 to 1.74 m here.
MEAN_STATURE = 1.72
MEAN_BONES = (
    (0.0, 0.0, 0.0),
    (0.0205, 0.0865, -0.0775), (0.0205, -0.0865, -0.0775), (-0.0045, 0.0, 0.0413),
    (0.0, 0.0, -0.4038), (0.0, 0.0, -0.4038), (-0.0064, 0.0, 0.1119),
    (0.0, 0.0, -0.4240), (0.0, 0.0, -0.4240), (-0.0011, 0.0, 0.0995),
    (0.1265, -0.0020, -0.0404), (0.1265, 0.0020, -0.0404), (0.0089, 0.0, 0.1727),
    (0.0062, 0.0168, 0.1357), (0.0062, -0.0168, 0.1357), (0.0062, 0.0, 0.0898),
    (-0.0054, 0.1535, 0.0339), (-0.0054, -0.1535, 0.0339),
    (0.0, 0.2788, 0.0), (0.0, -0.2788, 0.0), (0.0, 0.2583, 0.0), (0.0, -0.2583, 0.0),
)  # fmt: skip
# A toe joint stands above the sole by this much of the stature (0.035 m on the mean body: median of the data).
SOLE_PER_STATURE = 0.035 / MEAN_STATURE

# The order of the three revolutes that make a ball joint. Of the six orders the one with the smallest 99.9 percentile
# of |middle angle| over all the packed motion (298 000 frames, both sides together), since at 90 degrees the
# outer two become one. In brackets that percentile and the worst, in degrees; no order serves the shoulder well.
_REVOLUTE_ORDER = {
    'hip': 'zxy',  # (44, 87)
    'spine1': 'yxz',  # (21, 64)
    'knee': 'zxy',  # (22, 56)
    'spine2': 'yxz',  # (19, 48)
    'ankle': 'zxy',  # (37, 76)
    'spine3': 'xzy',  # (15, 36)
    'foot': 'yxz',  # (14, 34)
    'neck': 'xzy',  # (37, 54)
    'collar': 'xyz',  # (18, 34)
    'head': 'xzy',  # (47, 59)
    'shoulder': 'zyx',  # (82, 89)
    'elbow': 'zxy',  # (75, 90)
    'wrist': 'zyx',  # (17, 31)
}
REVOLUTE_ORDER = {
    name: _REVOLUTE_ORDER[name.removeprefix('left_').removeprefix('right_')] for name in JOINTS if name != 'pelvis'
}
