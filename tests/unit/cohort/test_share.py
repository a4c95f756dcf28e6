import pytest

from sneakynet.cohort.share import Node, Share, share_out
from sneakynet.errors import SettingError

CPUS = [Node(8), Node(8), Node(4)]
GPUS = [Node(16, gpus=4), Node(6, gpus=2), Node(64)]


@pytest.mark.parametrize(
    ("nodes", "workers", "device", "share"),
    [
        ([Node(2)], None, "auto", Share(1, 2, 0.0)),
        ([Node(2)], 2, "cpu", Share(2, 1, 0.0)),
        ([Node(64)], 5, "auto", Share(5, 12, 0.0)),
        (CPUS, None, "auto", Share(3, 4, 0.0)),  # with 5 cores each, the smallest node has no room
        (CPUS, 2, "auto", Share(2, 8, 0.0)),
        (CPUS, 20, "auto", Share(20, 1, 0.0)),
        ([*CPUS, Node(0)], None, "auto", Share(3, 4, 0.0)),  # a head that takes no work
        (GPUS, None, "auto", Share(6, 3, 1.0)),
        (GPUS, None, "cuda", Share(6, 3, 1.0)),
        (GPUS, 1, "cuda", Share(1, 16, 1.0)),
        (GPUS, 12, "cuda", Share(12, 1, 0.5)),
        ([Node(8, gpus=1)], 3, "auto", Share(3, 2, 0.3333)),
        (GPUS, None, "cpu", Share(3, 21, 0.0)),  # all on the largest machine
    ],
)
def test_shares(nodes: list[Node], workers: int | None, device: str, share: Share) -> None:
    assert share_out(nodes, cases=100, workers=workers, device=device) == share
    assert share.device == ("cuda" if share.gpus else "cpu")


def test_no_more_workers_than_cases() -> None:
    assert share_out([Node(8)], cases=2, workers=8, device="cpu") == Share(2, 4, 0.0)


@pytest.mark.parametrize(
    ("nodes", "workers", "device", "message"),
    [
        (CPUS, None, "cuda", "cannot use device 'cuda': the cluster has no GPU"),
        (
            GPUS,
            None,
            "cuda:1",
            "device 'cuda:1': on a cluster each worker gets a GPU of its own; give auto, cpu or cuda",
        ),
        (CPUS, 21, "cpu", "workers must be 1 to 20, the cores of the cluster, got 21"),
        (GPUS, 23, "auto", "workers must be 1 to 22, the cores of the cluster beside GPUs, got 23"),
        (CPUS, 0, "cpu", "workers must be 1 to 20, the cores of the cluster, got 0"),
    ],
)
def test_shares_that_cannot_be(nodes: list[Node], workers: int | None, device: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        share_out(nodes, cases=100, workers=workers, device=device)
