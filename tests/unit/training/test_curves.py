import numpy as np
from PIL import Image

from sneakynet.training.curves import draw_curves, read_log


def test_a_picture_of_what_there_is(tmp_path):
    rows = "\n".join(f"{step},{1 / (step + 1)},{0.001}" for step in range(0, 1000))
    (tmp_path / "train.csv").write_text(f"step,target_loss,learning_rate\n{rows}\n")
    draw_curves(tmp_path)
    without = np.asarray(Image.open(tmp_path / "progress.png"))
    (tmp_path / "validation.csv").write_text("step,target_dice,scans_dsc\n500,0.5,nan\n900,0.6,0.7\n")
    draw_curves(tmp_path)
    assert without.shape[0] > 800
    assert not np.array_equal(without, np.asarray(Image.open(tmp_path / "progress.png")))


def test_logs(tmp_path):
    assert read_log(tmp_path / "none.csv") == {}
    (tmp_path / "some.csv").write_text("step,a\n1,0.5\n2,\n")
    found = read_log(tmp_path / "some.csv")
    assert found["step"] == [1.0, 2.0]
    assert np.isnan(found["a"][1])
