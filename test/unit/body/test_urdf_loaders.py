"""The URDF in the libraries that people load it with: all place every link alike, all find the same mass."""

import io
import itertools

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from inpose_ros.body import inertia, kinematics, smpl22, urdf
from inpose_ros.body.skeleton import Skeleton

BODIES = {
    'mean': Skeleton.mean(),
    'a child with long arms': Skeleton.from_stature(1.1).with_groups({'arms': 1.3, 'torso': 0.8}),
    'no collars': Skeleton.mean().with_groups({'shoulders': 0.0}),
}
# What makes MuJoCo keep the root as a body, and draw what is there to be seen.
MUJOCO = '<mujoco><compiler fusestatic="false" discardvisual="false"/></mujoco>'


def for_mujoco(text):
    """With the element that docs/consuming.md tells to add."""
    return text.replace('</robot>', f'{MUJOCO}</robot>')


def by_yourdfpy(text, angles):
    yourdfpy = pytest.importorskip('yourdfpy')
    robot = yourdfpy.URDF.load(io.BytesIO(text.encode()), load_meshes=False, build_scene_graph=True)
    robot.update_cfg(angles)  # by name
    return {link: robot.get_transform(link, 'human/pelvis') for link in robot.link_map}


def by_pinocchio(text, angles):
    pinocchio = pytest.importorskip('pinocchio')
    model = pinocchio.buildModelFromXML(text)
    data, at = model.createData(), pinocchio.neutral(model)
    for name, angle in angles.items():
        at[model.joints[model.getJointId(name)].idx_q] = angle
    pinocchio.framesForwardKinematics(model, data, at)
    bodies = [number for number, frame in enumerate(model.frames) if frame.type == pinocchio.FrameType.BODY]
    return {model.frames[number].name: data.oMf[number].homogeneous for number in bodies}


def by_mujoco(text, angles):
    mujoco = pytest.importorskip('mujoco')
    model = mujoco.MjModel.from_xml_string(for_mujoco(text))
    data = mujoco.MjData(model)
    for name, angle in angles.items():
        data.qpos[model.joint(name).qposadr[0]] = angle
    mujoco.mj_kinematics(model, data)
    found = {}
    for number in range(1, model.nbody):
        found[model.body(number).name] = np.eye(4)
        found[model.body(number).name][:3, :3] = data.xmat[number].reshape(3, 3)
        found[model.body(number).name][:3, 3] = data.xpos[number]
    return found


def by_viser(text, angles):
    """What the browser shows: a frame lies in all those whose names its own begins with."""
    viser, yourdfpy = pytest.importorskip('viser'), pytest.importorskip('yourdfpy')
    from viser.extras import ViserUrdf

    robot = yourdfpy.URDF.load(io.BytesIO(text.encode()))
    server = viser.ViserServer('127.0.0.1', 0, verbose=False)
    try:
        shown = ViserUrdf(server, robot, root_node_name='/person')
        shown.update_cfg(np.array([angles[name] for name in shown.get_actuated_joint_names()]))
        frames = {handle.name: handle for handle in shown._joint_frames}
        found = {'human/pelvis': np.eye(4)}
        for name in frames:
            within = itertools.accumulate(name.split('/'), lambda path, part: f'{path}/{part}')
            steps = [_homogeneous(frames[path]) for path in within if path in frames]
            found['/'.join(name.split('/')[-2:])] = np.linalg.multi_dot([np.eye(4), np.eye(4), *steps])
        return found
    finally:
        server.stop()


def _homogeneous(handle):
    w, x, y, z = handle.wxyz
    step = np.eye(4)
    step[:3, :3], step[:3, 3] = Rotation.from_quat([x, y, z, w]).as_matrix(), handle.position
    return step


LOADERS = [by_yourdfpy, by_pinocchio, by_mujoco, by_viser]


def some_angles(seed):
    rng = np.random.default_rng(seed)
    return urdf.unwrapped(
        urdf.revolute_angles(Rotation.random(22, random_state=rng).as_matrix()), rng.uniform(-9, 9, 63)
    )


@pytest.mark.parametrize('load', LOADERS)
@pytest.mark.parametrize('body', BODIES)
def test_every_loader_places_every_link_where_the_tracker_does(load, body):
    skeleton, angles = BODIES[body], some_angles(len(body))
    found = load(urdf.urdf_xml(skeleton), dict(zip(urdf.REVOLUTE_NAMES, angles, strict=True)))
    parents, children, ways, turns = urdf.link_transforms(skeleton, angles, 'human/')
    assert found.keys() == {'human/pelvis', *children}
    for parent, child, way, (w, x, y, z) in zip(parents, children, ways, turns, strict=True):
        T_parent_child = np.linalg.solve(found[parent], found[child])
        np.testing.assert_allclose(T_parent_child[:3, 3], way, atol=1e-9)
        np.testing.assert_allclose(T_parent_child[:3, :3], Rotation.from_quat([x, y, z, w]).as_matrix(), atol=1e-9)
    rot = torch.from_numpy(urdf.rotations_from_angles(angles))
    places = kinematics.joint_positions(skeleton, rot).numpy()
    for joint, name in enumerate(smpl22.JOINTS):
        np.testing.assert_allclose(found[f'human/{name}'][:3, 3], places[joint], atol=1e-9)
        np.testing.assert_allclose(found[f'human/{name}'][:3, :3], rot[joint], atol=1e-9)


def masses_by_yourdfpy(text):
    yourdfpy = pytest.importorskip('yourdfpy')
    links = yourdfpy.URDF.load(io.BytesIO(text.encode()), load_meshes=False).link_map.values()
    return {link.name: (link.inertial.mass, np.sort(np.linalg.eigvalsh(link.inertial.inertia))) for link in links}


def masses_by_pinocchio(text):
    pinocchio = pytest.importorskip('pinocchio')
    model = pinocchio.buildModelFromXML(text, pinocchio.JointModelFreeFlyer())
    found = {}
    for frame in model.frames:
        if frame.type == pinocchio.FrameType.BODY:
            found[frame.name] = (model.inertias[frame.parentJoint].mass, model.inertias[frame.parentJoint].inertia)
    return {name: (mass, np.sort(np.linalg.eigvalsh(moments))) for name, (mass, moments) in found.items()}


def masses_by_mujoco(text):
    mujoco = pytest.importorskip('mujoco')
    model = mujoco.MjModel.from_xml_string(for_mujoco(text))
    bodies = [model.body(number) for number in range(1, model.nbody)]
    return {body.name: (body.mass[0], np.sort(body.inertia)) for body in bodies}


@pytest.mark.parametrize('load', [masses_by_yourdfpy, masses_by_pinocchio, masses_by_mujoco])
@pytest.mark.parametrize('body', BODIES)
def test_every_loader_finds_the_mass_of_every_link(load, body):
    skeleton = BODIES[body]
    pelvis, *parts = inertia.inertials(skeleton)
    expected = {'human/pelvis': pelvis}
    for name, part in zip(smpl22.JOINTS[1:], parts):
        inner, expected[f'human/{name}'] = part.split()
        expected |= {f'human/{name}_1': inner, f'human/{name}_2': inner}
    found = load(urdf.urdf_xml(skeleton))
    assert found.keys() == expected.keys()
    for name, (mass, moments) in found.items():
        assert mass == pytest.approx(expected[name].mass, rel=1e-9)
        np.testing.assert_allclose(moments, np.linalg.eigvalsh(expected[name].inertia), rtol=1e-6)
        assert moments[2] < moments[0] + moments[1]
    assert sum(mass for mass, _ in found.values()) == pytest.approx(inertia.body_mass(skeleton.stature), rel=1e-9)


def test_mujoco_takes_the_root_for_a_body_only_with_the_compiler_element_of_the_docs(request):
    mujoco = pytest.importorskip('mujoco')
    page = (request.config.rootpath / 'docs' / 'consuming.md').read_text()
    assert MUJOCO in page
    text = urdf.urdf_xml(Skeleton.mean())
    fused = mujoco.MjModel.from_xml_string(text)
    assert 'human/pelvis' not in [fused.body(number).name for number in range(fused.nbody)]
    spec = mujoco.MjSpec.from_string(for_mujoco(text))
    spec.body('human/pelvis').add_freejoint()
    free = spec.compile()
    assert free.nbody == 65 and free.nv == 6 + 63 and free.ngeom > 60
    assert free.body_subtreemass[0] == pytest.approx(inertia.body_mass(Skeleton.mean().stature))


def test_a_person_let_go_in_mujoco_falls_as_everything_does():
    mujoco = pytest.importorskip('mujoco')
    spec = mujoco.MjSpec.from_string(for_mujoco(urdf.urdf_xml(Skeleton.mean())))
    spec.body('human/pelvis').add_freejoint()
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    start = data.subtree_com[0].copy()
    for _ in range(round(0.3 / model.opt.timestep)):
        mujoco.mj_step(model, data)
    fallen = (data.subtree_com[0] - start) / (0.5 * 9.81 * 0.3**2)
    assert np.isfinite(data.qpos).all()
    np.testing.assert_allclose(fallen, [0, 0, -1], atol=0.02)


def test_the_order_of_joints_differs_between_loaders(request):
    """As docs/consuming.md says; so whoever goes by the place in a list bends the wrong joint."""
    pinocchio, mujoco = pytest.importorskip('pinocchio'), pytest.importorskip('mujoco')
    text = urdf.urdf_xml(Skeleton.mean())
    model = mujoco.MjModel.from_xml_string(text)
    orders = {
        'joint_states': list(urdf.REVOLUTE_NAMES),
        'MuJoCo': [model.joint(number).name for number in range(model.njnt)],
        'pinocchio': list(pinocchio.buildModelFromXML(text).names)[1:],
    }
    page = (request.config.rootpath / 'docs' / 'consuming.md').read_text()
    for loader, names in orders.items():
        assert sorted(names) == sorted(urdf.REVOLUTE_NAMES)
        sixteenth = names[3 * 15].rpartition('_')[0]
        assert f'| {loader} | `{sixteenth}` |' in page, (loader, sixteenth)
    assert len(set(map(tuple, orders.values()))) == 3
