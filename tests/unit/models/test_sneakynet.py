import pytest
import torch
from torch.nn.functional import interpolate

from sneakynet.errors import SettingError
from sneakynet.geometry.context_block import Place, block_around
from sneakynet.geometry.fields import context_origin
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.crop_skip import centre_crop
from sneakynet.models.sneakynet import apply_head

EDGE = 16
FAMILY = [("A", ())] + [(v, c) for v in "BCDE" for c in ((1,), (2,), (1, 2), (1, 2, 3))]
HOOKED = [(*member, "encoder") for member in FAMILY]
HOOKED += [(*member, source) for member in FAMILY if member[0] in "BDE" for source in ("decoder", "both")]


def small(variant, contexts, **options):
    torch.manual_seed(0)
    options = {"n_classes": 4, "patch_size": EDGE, "width": 2, "levels": 4, **options}
    return build_sneakynet(variant=variant, contexts=contexts, **options)


def patches(contexts, *, batch=1, edge=EDGE):
    torch.manual_seed(1)
    made = [torch.randn(batch, 1, edge, edge, edge) for _ in range(1 + len(contexts))]
    return made[0], made[1:]


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
@pytest.mark.parametrize(("variant", "contexts"), FAMILY)
def test_every_network_scores_every_voxel(variant, contexts, norm):
    model = small(variant, contexts, norm=norm)
    target, around = patches(contexts, batch=2)
    output = model(target, around)
    assert output.target.shape == (2, 4, EDGE, EDGE, EDGE)
    scored = 0 if variant == "C" else len(contexts)
    assert [tuple(each.shape) for each in output.contexts] == [(2, 4, EDGE, EDGE, EDGE)] * scored


@pytest.mark.parametrize(("variant", "contexts", "hook_source"), HOOKED)
def test_the_gradient_reaches_every_parameter(variant, contexts, hook_source):
    model = small(variant, contexts, hook_source=hook_source)
    target, around = patches(contexts)
    output = model(target, around)
    sum(scores.pow(2).sum() for scores in (output.target, *output.contexts)).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent


@pytest.mark.parametrize(("variant", "contexts"), [("B", (1,)), ("C", (1, 2)), ("D", (1, 2, 3)), ("E", (2,))])
def test_the_target_sees_every_context(variant, contexts):
    model = small(variant, contexts)
    target, around = patches(contexts)
    for patch in around:
        patch.requires_grad_()
    model(target, around).target.pow(2).sum().backward()
    assert all(patch.grad is not None and patch.grad.any() for patch in around)


def test_encoder_and_decoder_hooks_differ_but_have_the_same_weights():
    by_encoder, by_decoder = small("D", (1,)), small("D", (1,), hook_source="decoder")
    by_decoder.load_state_dict(by_encoder.state_dict())
    target, around = patches((1,))
    ours, theirs = by_encoder(target, around), by_decoder(target, around)
    assert not torch.allclose(ours.target, theirs.target)
    torch.testing.assert_close(ours.contexts, theirs.contexts)


@pytest.mark.parametrize("contexts", [(1,), (2,), (3,), (1, 2, 3)])
def test_e_adds_the_upsampled_centre_of_every_contexts_scores(contexts):
    model = small("E", contexts).double()
    # Biases too, so that their sum is seen.
    for network in (model.target, *model.contexts):
        torch.nn.init.normal_(network.head.bias)
        torch.nn.init.normal_(network.head.weight)
    target, around = patches(contexts)
    target, around = target.double(), [patch.double() for patch in around]
    output = model(target, around)

    plain = small("D", contexts).double()
    plain.load_state_dict(model.state_dict())
    expected = plain(target, around)
    torch.testing.assert_close(output.contexts, expected.contexts)
    scores = expected.target
    for kappa, context_scores in zip(contexts, expected.contexts, strict=True):
        whole = interpolate(context_scores, scale_factor=2**kappa, mode="trilinear", align_corners=False)
        scores = scores + centre_crop(whole, kappa=kappa)
    torch.testing.assert_close(output.target, scores, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("variant", "contexts", "hook_source"), HOOKED)
def test_features_and_heads_make_the_forward_pass(variant, contexts, hook_source):
    model = small(variant, contexts, hook_source=hook_source).eval()
    target, around = patches(contexts)
    with torch.no_grad():
        output, maps = model(target, around), model.features(target, around)
        torch.testing.assert_close(model.target_features(target, around), maps.target)
        torch.testing.assert_close(apply_head(maps.target, model.target_head()), output.target)
        torch.testing.assert_close(model.forward_contexts(around), output.contexts)
        torch.testing.assert_close(model.context_features(around), maps.contexts)
    heads = model.context_heads()
    assert len(heads) == len(maps.contexts)
    channels = 2 * (1 + len(contexts)) if variant == "E" else 2
    assert maps.target.shape[1] == channels
    assert model.target_head()[0].shape == (4, channels)
    assert model.target_head()[1].shape == (4,)


@pytest.mark.parametrize(
    ("variant", "hook_source", "runs"),
    [
        ("B", "encoder", False),
        ("D", "encoder", False),
        ("D", "decoder", True),
        ("D", "both", True),
        ("E", "encoder", True),
    ],
)
def test_a_context_decoder_runs_for_the_target_only_where_it_is_needed(variant, hook_source, runs):
    model = small(variant, (1,), hook_source=hook_source)
    ran = []
    model.contexts[0].decoder.register_forward_hook(lambda *_: ran.append(True))
    model.target_features(*patches((1,)))
    assert bool(ran) == runs


def test_context_training_leaves_the_target_alone():
    model = small("E", (1, 2))
    ran = []
    model.target.encoder.register_forward_hook(lambda *_: ran.append(True))
    model.forward_contexts(patches((1, 2))[1])
    assert not ran


def test_every_tensor_is_registered_once():
    model = small("E", (1, 2, 3), norm="batch")
    state = model.state_dict()
    assert len({tensor.data_ptr() for tensor in state.values()}) == len(state)


@pytest.mark.parametrize(("variant", "contexts"), FAMILY)
def test_channels_last_gives_the_same(variant, contexts):
    model = small(variant, contexts)
    target, around = patches(contexts)
    expected = model(target, around)
    model = model.to(memory_format=torch.channels_last_3d)
    output = model(
        target.to(memory_format=torch.channels_last_3d),
        [patch.to(memory_format=torch.channels_last_3d) for patch in around],
    )
    torch.testing.assert_close(tuple(output), tuple(expected), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("variant", "contexts"), FAMILY)
def test_bfloat16_autocast_runs_forward_and_backward(variant, contexts):
    model = small(variant, contexts)
    target, around = patches(contexts)
    with torch.autocast("cpu", torch.bfloat16):
        output = model(target, around)
    assert output.target.dtype == torch.bfloat16
    output.target.float().pow(2).sum().backward()
    assert torch.isfinite(model.target.head.weight.grad).all()
    torch.testing.assert_close(
        output.target.float(), small(variant, contexts)(target, around).target, rtol=0, atol=0.05
    )


def test_other_edges_of_the_same_rule_run():
    model = small("D", (1,))
    target = torch.randn(1, 1, 16, 32, 48)
    assert model(target, [target]).target.shape == (1, 4, 16, 32, 48)


def test_inputs_that_do_not_fit_are_refused():
    model = small("D", (1,))
    target, _ = patches((1,))
    with pytest.raises(SettingError, match=r"reads 1 context patches \(kappa \(1,\)\), got 0"):
        model(target, [])
    with pytest.raises(SettingError, match=r"reads 1 context patches.*got 2"):
        model.forward_contexts([target, target])
    with pytest.raises(SettingError, match=r"same shape, got \[\(1, 1, 16, 16, 16\), \(1, 1, 32, 32, 32\)\]"):
        small("D", (1, 2)).forward_contexts([target, torch.zeros(1, 1, 32, 32, 32)])
    odd = torch.zeros(1, 1, 16, 16, 24)
    with pytest.raises(SettingError, match=r"an edge of 24 does not fit.*S % 2\*\*4 == 0.*fit are 16 and 32"):
        model.target_features(odd, [odd])


def minus(origin, start):
    return tuple(o - s for o, s in zip(origin, start, strict=True))


def shared_and_apart(variant, contexts, *, hook_source="encoder", levels, edge, origins):
    """Features and gradients of targets that share blocks, and of the same targets with contexts of their own."""
    model = small(variant, contexts, levels=levels, patch_size=edge, norm="batch", hook_source=hook_source)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    model.eval()
    targets = torch.randn(len(origins), 1, edge, edge, edge)
    blocks, places, own = [], [], []
    for kappa in contexts:
        found = block_around(origins, patch_size=edge, kappa=kappa, levels=levels, inside=((-999, 999),) * 3)
        volume = torch.randn(1, 1, *found.shape)
        fields = [context_origin(origin, patch_size=edge, kappa=kappa) for origin in origins]
        starts = [minus([o // 2**kappa for o in field], found.origin) for field in fields]
        own.append(torch.cat([volume[:, :, i : i + edge, j : j + edge, k : k + edge] for i, j, k in starts]))
        places.append([Place(0, minus([o // 2**kappa for o in origin], found.origin)) for origin in origins])
        blocks.append(volume)
    shared, apart = model.features_in_blocks(targets, blocks, places).target, model.features(targets, own).target
    weights = torch.randn_like(apart)
    return [(features.detach(), gradients(model, features, weights)) for features in (shared, apart)]


def assert_equal(shared, apart):
    torch.testing.assert_close(shared[0], apart[0], rtol=1e-4, atol=1e-4)
    assert shared[1].keys() == apart[1].keys()
    for name, gradient in apart[1].items():  # a voxel whose rounding switches a ReLU counts in full
        assert (shared[1][name] - gradient).norm() <= 0.03 * gradient.norm(), name


def gradients(model, features, weights):
    named = dict(model.named_parameters())
    found = torch.autograd.grad((features * weights).sum(), list(named.values()), allow_unused=True)
    return {name: each for name, each in zip(named, found, strict=True) if each is not None}


@pytest.mark.parametrize(
    ("variant", "contexts", "levels", "edge"),
    # Where the border of a patch is at least as wide as the crossing levels look.
    [("B", (1,), 3, 32), ("C", (1, 2), 3, 32), ("D", (1, 2), 3, 32), ("D", (2, 3), 4, 32), ("D", (1, 2, 3), 4, 64)],
)
def test_targets_that_share_a_block_get_what_each_would_alone(variant, contexts, levels, edge):
    step = 2 ** (levels - 1)
    origins = [(0, 0, 0), (step, 3 * step, 0), (2 * step, 0, step)][: 3 if edge < 64 else 2]
    shared, apart = shared_and_apart(variant, contexts, levels=levels, edge=edge, origins=origins)
    assert_equal(shared, apart)


@pytest.mark.parametrize(
    ("variant", "hook_source"), [("B", "decoder"), ("D", "decoder"), ("E", "encoder"), ("E", "decoder")]
)
def test_decoders_too_where_the_patch_is_wide_and_pooled_alike(variant, hook_source):
    origins = [(0, 0, 0), (4, 12, 8)]
    shared, apart = shared_and_apart(variant, (1,), hook_source=hook_source, levels=2, edge=40, origins=origins)
    assert_equal(shared, apart)


@pytest.mark.parametrize(("variant", "contexts", "hook_source"), [f for f in HOOKED if f[0] != "A"])
def test_a_block_for_one_target_is_its_context_patch(variant, contexts, hook_source):
    shared, apart = shared_and_apart(
        variant, contexts, hook_source=hook_source, levels=4, edge=EDGE, origins=[(8, 0, 16)]
    )
    assert_equal(shared, apart)
