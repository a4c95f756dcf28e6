"""Validation scores by hand."""

import numpy as np
import torch

from sneakynet.data.sampling import Patches
from sneakynet.models.builders import build_sneakynet
from sneakynet.training.validation import _counts, _named, _score, validate


def test_counts_and_score():
    labels = torch.tensor([0, 0, 1, 1, 1, 2]).reshape(1, 1, 1, 6)
    answer = torch.tensor([0, 1, 1, 1, 0, 0]).reshape(1, 1, 1, 6)
    counts = _counts(answer, labels, 4)
    assert counts.tolist() == [[1, 2, 0, 0], [3, 3, 0, 0], [2, 3, 1, 0]]
    score = _score(counts, np.array([3, 4]))
    assert score.dice == (2 * 2 / 6 + 0) / 2  # class 3 is absent and does not count
    assert score.found == 0.5
    assert score.named == 0.75


def test_named_leaves_background_out():
    labels = torch.tensor([0, 1, 2]).reshape(1, 1, 1, 3)
    scores = torch.tensor([[9.0, 9.0, 9.0], [0.0, 2.0, 2.0], [0.0, 1.0, 1.0]]).reshape(1, 3, 1, 1, 3)
    assert _named(scores, labels).tolist() == [1, 2]


def test_every_network_with_an_answer_is_scored():
    torch.manual_seed(0)
    model = build_sneakynet(variant="D", n_classes=4, patch_size=16, contexts=(1,), width=2, levels=3)
    labels = torch.zeros(1, 16, 16, 16, dtype=torch.uint8)
    patches = Patches(images=(torch.zeros(1, 1, 16, 16, 16),) * 2, labels=(labels, labels))
    scores = validate(model, [patches])
    assert set(scores) == {"target", "context_2x"}
    assert scores["target"].dice == 0.0
    assert model.training


def test_contexts_without_a_head_are_left_out():
    torch.manual_seed(0)
    model = build_sneakynet(variant="C", n_classes=4, patch_size=16, contexts=(1,), width=2, levels=3)
    labels = torch.ones(1, 16, 16, 16, dtype=torch.uint8)
    patches = Patches(images=(torch.zeros(1, 1, 16, 16, 16),) * 2, labels=(labels, labels))
    assert set(validate(model, [patches])) == {"target"}
