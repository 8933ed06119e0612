"""The tracking network's parts: memories, matching, and masks of several objects at once."""

import torch

from model.tracker import Memory, Tracker


def network() -> Tracker:
    torch.manual_seed(0)
    return Tracker("compact").eval()


def masks(*boxes: tuple[slice, slice], size: int = 64) -> torch.Tensor:
    found = torch.zeros(1, len(boxes), size, size)
    for number, box in enumerate(boxes):
        found[0, number][box] = 1
    return found


LEFT = (slice(0, 64), slice(0, 32))
RIGHT = (slice(0, 64), slice(32, 64))


@torch.no_grad()
def test_objects_are_found_as_each_would_be_alone() -> None:
    """Objects share the encoder and nothing else: two together give what each gives by itself."""
    tracker = network()
    images = torch.rand(1, 3, 64, 64) * 255
    maps = tracker.encode(images)
    both = masks(LEFT, RIGHT)
    together = tracker.decode(maps, tracker.remember(maps, both), tracker.remember(maps, both), both)
    assert together.shape == (1, 2, 64, 64)
    for number in range(2):
        one = both[:, number : number + 1]
        alone = tracker.decode(maps, tracker.remember(maps, one), tracker.remember(maps, one), one)
        torch.testing.assert_close(alone[:, 0], together[:, number], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_batch_is_its_pictures() -> None:
    """Pictures of a batch, each with its own memory, do not mix."""
    tracker = network()
    images = torch.rand(2, 3, 64, 64) * 255
    maps = tracker.encode(images)
    given = torch.cat((masks(LEFT), masks(RIGHT)))
    batch = tracker.decode(maps, tracker.remember(maps, given), None, given)
    for number in range(2):
        own = [level[number : number + 1] for level in maps]
        memory = tracker.remember(own, given[number : number + 1])
        alone = tracker.decode(own, memory, None, given[number : number + 1])
        torch.testing.assert_close(alone[0], batch[number], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_matching_tells_the_object_from_the_rest() -> None:
    """Each place of a picture matches itself best: on the object's half the object's match is perfect."""
    tracker = network()
    maps = tracker.encode(torch.rand(1, 3, 64, 64) * 255)
    memory = tracker.remember(maps, masks(LEFT))
    of_object, of_rest, _ = tracker._match(tracker.keys(maps), memory, 1, torch.Size((4, 4)))[0]
    assert torch.allclose(of_object[:, :2], torch.ones(4, 2), atol=1e-5)
    assert torch.allclose(of_rest[:, 2:], torch.ones(4, 2), atol=1e-5)
    assert (of_object[:, :2] > of_rest[:, :2]).all()


@torch.no_grad()
def test_joined_memories_know_what_each_knows() -> None:
    tracker = network()
    first, second = (tracker.encode(torch.rand(1, 3, 64, 64) * 255) for _ in range(2))
    joined = Memory.of_all([tracker.remember(first, masks(LEFT)), tracker.remember(second, masks(LEFT))])
    assert joined.keys.shape[2] == joined.shares.shape[2] == 2 * 16
    for maps in (first, second):
        match = tracker._match(tracker.keys(maps), joined, 1, torch.Size((4, 4)))
        assert torch.allclose(match[0, 0, :, :2], torch.ones(4, 2), atol=1e-5)
