"""The loss is balanced, a mean, and finite for whatever a mask may hold."""

import pytest
import torch
import torch.nn.functional as F

from model.losses import balanced_loss


def square(side: int, size: int = 32) -> torch.Tensor:
    truth = torch.zeros(1, 1, size, size)
    truth[..., :side, :side] = 1
    return truth


def test_fully_balanced_object_and_background_weigh_the_same() -> None:
    """The mean over the object's pixels and the mean over the others, halved."""
    logits, truth = torch.randn(1, 1, 32, 32), square(5)
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    expected = (losses[truth == 1].mean() + losses[truth == 0].mean()) / 2
    torch.testing.assert_close(balanced_loss(logits, truth, balance=1), expected)


def test_full_balance_is_the_published_loss_but_for_a_factor() -> None:
    """(N₋/N)·Σ₊ + (N₊/N)·Σ₋ over 2·N₊·N₋/N: the factor that made the learning rate depend on the area."""
    logits, truth = torch.randn(1, 1, 32, 32), square(9)
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    inside, outside = truth.sum(), (1 - truth).sum()
    published = (outside * losses[truth == 1].sum() + inside * losses[truth == 0].sum()) / truth.numel()
    torch.testing.assert_close(
        balanced_loss(logits, truth, balance=1), published * truth.numel() / (2 * inside * outside)
    )


def test_without_balance_it_is_the_plain_mean() -> None:
    logits, truth = torch.randn(1, 1, 32, 32), square(9)
    expected = F.binary_cross_entropy_with_logits(logits, truth)
    torch.testing.assert_close(balanced_loss(logits, truth, balance=0), expected)


def test_half_way_classes_weigh_as_the_roots_of_their_areas() -> None:
    """An object of 1/4 of the side has 1/16 of the pixels: it weighs 1 against the root of 15."""
    logits, truth = torch.randn(1, 1, 32, 32), square(8)
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    root = 15**0.5
    expected = (losses[truth == 1].mean() + root * losses[truth == 0].mean()) / (1 + root)
    torch.testing.assert_close(balanced_loss(logits, truth), expected)


@pytest.mark.parametrize("balance", [0.5, 1.0])
@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_an_absent_object_still_teaches(fill: float, balance: float) -> None:
    """An empty mask (or a full one) pulls every pixel the right way; the published loss is zero there."""
    logits = torch.zeros(1, 1, 8, 8, requires_grad=True)
    loss = balanced_loss(logits, torch.full((1, 1, 8, 8), fill), balance=balance)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert loss.item() == pytest.approx(0.6931, abs=1e-4)
    assert logits.grad is not None
    assert bool(((logits.grad > 0) == (fill == 0)).all())


def test_an_absent_object_does_not_disturb_the_others() -> None:
    """Objects and pictures are averaged, each with its own balance."""
    logits = torch.randn(2, 2, 32, 32)
    truth = torch.cat([square(6).expand(1, 2, 32, 32).clone(), square(12).expand(1, 2, 32, 32).clone()])
    truth[0, 1] = 0
    planes = [(slice(n, n + 1), slice(k, k + 1)) for n in range(2) for k in range(2)]
    each = [balanced_loss(logits[plane], truth[plane]) for plane in planes]
    torch.testing.assert_close(balanced_loss(logits, truth), torch.stack(each).mean())


def test_soft_masks_and_huge_logits_stay_finite() -> None:
    """Anti-aliased truth and a confident mistake give a large loss, never NaN."""
    logits = torch.tensor([-1e4, 1e4, 0.0, 3.0]).view(1, 1, 2, 2).requires_grad_()
    loss = balanced_loss(logits, torch.tensor([1.0, 0.0, 0.4, 1e-9]).view(1, 1, 2, 2))
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
