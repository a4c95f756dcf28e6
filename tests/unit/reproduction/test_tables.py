from sneakynet.reproduction.pooled import collect
from sneakynet.reproduction.tables import TABLES, experiments_of, label, page_tables


def rows(table):
    return {row[0]: row[1:] for row in table.rows}


def test_made_up_scores_stand_beside_the_papers(plan, tmp_path, write_unit):
    test = plan.folds[0].test
    write_unit(
        plan, tmp_path, "A_16", 0, [(c, b, d) for c in test for b, d in (("sacrum", 0.4), ("vertebrae_L3", 0.0))]
    )
    write_unit(
        plan,
        tmp_path,
        "D_16_32",
        0,
        [(c, b, d, {"side_swap": 0.125}) for c in test for b, d in (("sacrum", 0.6), ("vertebrae_L3", 0.8))],
    )
    speed, four, contexts, bones, confusion = page_tables(TABLES, collect(plan, tmp_path), spacing=plan.spacing)
    plain, ours = "A 3D U-Net, 128 mm", "D SneakyNet, 128 + 256 mm"
    assert rows(speed)[ours] == ("10", "1.00 M", "lost", "0.250", "1.28")
    assert rows(four)[plain][:5] == ("3", "0.40 +0.00 -0.00 [0.40, 0.40]", "0.83 +0.09 -0.27", "50.0%", "94.5%")
    assert rows(four)[ours][1:] == (
        "0.70 +0.10 -0.10 [0.70, 0.70]",
        "0.86 +0.08 -0.28",
        "100.0%",
        "96.7%",
        "+0.30 [+0.30, +0.30]",
        "+0.03",
    )
    assert rows(contexts)[ours][2] == "lost +0.08 -0.28"
    assert rows(contexts)["D SneakyNet, 128 + 256 + 512 + 1024 mm"][2] == "not in the paper"
    assert rows(bones)["Sacrum"] == ("0 of 0", "-", "0.92")
    assert rows(confusion)[ours] == ("-", "12.5%", "-", "-")


def test_a_table_asks_for_what_it_needs(plan):
    needed = {name: [each.name for each in experiments_of(name, plan.experiments)] for name in TABLES}
    assert needed["2"] == ["A_16", "B_16_32", "C_16_32", "D_16_32"]
    assert needed["3"] == ["A_16", "D_16_32", "D_16_32_64", "D_16_32_64_128"]
    assert needed["4"] == ["D_16_32_64_128"]


def test_rows_are_called_by_what_they_see(plan):
    assert label(plan.experiments[1], spacing=8.0) == "B HookNet, 128 + 256 mm"


def test_confusion_stands_beside_that_of_the_plain_network(plan, tmp_path, write_unit):
    for name, far in (("A_16", 0.3), ("D_16_32", 0.1)):
        scores = [(case, "sacrum", 0.5, {"far": far, "identified": int(far < 0.2)}) for case in plan.folds[0].test]
        write_unit(plan, tmp_path, name, 0, scores)
    (table,) = page_tables(("confusion",), collect(plan, tmp_path), spacing=plan.spacing)
    assert rows(table)["A 3D U-Net, 128 mm"] == ("0.0%", "-", "-", "30.0%")
    assert rows(table)["D SneakyNet, 128 + 256 mm"] == (
        "100.0%, +100.0 [+100.0, +100.0]",
        "-",
        "-",
        "10.0%, -20.0 [-20.0, -20.0]",
    )
