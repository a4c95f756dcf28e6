from sneakynet.viewer.training_page import training_page


def test_what_a_run_left(tmp_path):
    (tmp_path / "config.yaml").write_text(
        "dataset: /home/someone/ds\nsteps: 40\nmade_by:\n  versions:\n    torch: '2.1'\n  commit:\n"
    )
    page = training_page(tmp_path)
    assert "0 of 40 steps" in page
    assert "No validation yet" in page
    assert "/home/someone" not in page
    (tmp_path / "train.csv").write_text("step,target_loss,minutes\n20,1.5,0.5\n")
    (tmp_path / "validation.csv").write_text("step,target_dice,scans_dsc\n10,0.5,0.75\n20,0.6,0.7\n")
    (tmp_path / "validation_bones.csv").write_text("bone,scans,mean_dsc\nhip_left,2,0.9\nskull,1,0.1\n")
    (tmp_path / "progress.png").write_bytes(b"picture")
    page = training_page(tmp_path)
    assert "20 of 40 steps in 0.5 minutes" in page
    assert "scans_dsc 0.750 at step 10" in page
    assert page.index("skull") < page.index("hip_left")
    assert "data:image/png;base64,cGljdHVyZQ==" in page
