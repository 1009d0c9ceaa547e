import torch

from inpose_ros.diffusion.schedule import NoiseSchedule


def test_signal_only_falls_from_nearly_all_to_nearly_none():
    alpha_bar = NoiseSchedule().alpha_bar
    assert (alpha_bar.diff() < 0).all()
    assert alpha_bar[0] > 0.999
    assert alpha_bar[-1] < 1e-4


def test_noise_is_recovered_from_the_clean_sample():
    schedule = NoiseSchedule()
    clean, noise = torch.randn(2, 3, 4, 22, 6, generator=torch.Generator().manual_seed(0))
    noisy = schedule.noised(clean, torch.tensor([600, 600, 600]), noise)
    assert torch.allclose(schedule.noise_in(noisy, clean, 600), noise, atol=1e-5)


def test_respaced_steps_go_from_the_noisiest_to_the_cleanest():
    schedule = NoiseSchedule()
    steps = schedule.respaced(49)
    assert len(steps) == 49
    assert (steps[0], steps[-1]) == (999, 0)
    assert sorted(set(steps), reverse=True) == steps
    assert schedule.respaced(1) == [999]
