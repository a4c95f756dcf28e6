import json

from sneakynet.reproduction.page import write_page
from sneakynet.reproduction.pooled import collect
from sneakynet.reproduction.table import PageTable


def test_three_forms_of_one_page(plan, tmp_path, write_unit):
    write_unit(plan, tmp_path, "A_16", 0, [(case, "sacrum", 0.5) for case in plan.folds[0].test])
    table = PageTable("Title", ("row", "figure > 0"), (("one", "1"),), "A note.")
    write_page(tmp_path, plan, collect(plan, tmp_path), [table])
    text = (tmp_path / "reproduction.md").read_text()
    assert "## Title\n\n| row | figure > 0 |\n| --- | ---: |\n| one | 1 |\n\nA note." in text
    assert "Done: 1 of 30 trainings" in text
    page = (tmp_path / "reproduction.html").read_text()
    assert "<th>figure &gt; 0</th>" in page
    assert "src=" not in page
    assert "href=" not in page
    facts = json.loads((tmp_path / "reproduction.json").read_text())
    assert facts["plan"]["iterations"] == 5
    assert facts["experiments"]["A_16"]["median_dsc"] == 0.5
    assert facts["experiments"]["B_16_32"]["median_dsc"] is None
