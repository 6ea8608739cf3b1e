"""What similar cases are compared by: the scaling, recomputed by NumPy, and who sees of whom."""

import math

import numpy as np
from test_radiomics import compute, made, region, rows, with_pairs


def scale(column):
    """A feature's median and spread by NumPy, and why it has no weight."""
    values = np.array([value for value in column if value is not None])
    if len(values) < 3:
        return (np.median(values) if len(values) else None), None, "fewer than 3 cases have it"
    median = np.median(values)
    if len(values) * 2 < len(column):
        return median, None, "missing in more than half of the cases"
    if values.min() == values.max():
        return median, None, "the same in all cases"
    low, high = np.percentile(values, [25, 75])
    return median, 1.4826 * np.median(np.abs(values - median)) or (high - low) / 1.349 or np.std(values, ddof=1), None


def group(row):
    return row["settings_hash"], row["modality"]


def assert_scaled(scaling, features):
    """That a scaling is NumPy's, of these rows and in each of their groups."""
    groups = {}
    for row in features:
        groups.setdefault(group(row), []).append(row)
    assert {group(row) for row in scaling} == set(groups)
    for row in scaling:
        cases = groups[group(row)]
        column = [case[row["feature"]] for case in cases]
        median, spread, reason = scale(column)
        assert (row["cases"], row["present"]) == (len(cases), sum(value is not None for value in column)), row
        assert row["reason"] == reason and row["used"] == (reason is None), row
        for got, wanted in [(row["median"], median), (row["spread"], spread)]:
            assert (got is None) == (wanted is None) and (got is None or math.isclose(got, wanted, rel_tol=1e-12)), row
    names = {name for name in features[0] if name.startswith("original_")}
    assert len(scaling) == len(groups) * len(names) and {row["feature"] for row in scaling} == names


def refusal(lake, query, *options):
    done = lake.run("sql", "-c", query, *options, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_scaling(radlake, tmp_path):
    lake = made(radlake, tmp_path / "lake")
    for modality, patients in [("CT", range(9)), ("MR", range(20, 24))]:
        (tmp_path / modality).mkdir()
        with_pairs(lake, tmp_path / modality, {f"P{n}": region((6, 14, 14), n) for n in patients}, modality=modality)
    compute(lake)
    (tmp_path / "s.yaml").write_text("binWidth: 5\n")
    other = compute(lake, "--settings", tmp_path / "s.yaml", "--where", "patient_id IN ('P0', 'P1', 'P4', 'P5')")["settings_hash"]
    # What is missing here and there, in most, in all but two; what is the same in all, in most, in half of the cases.
    for feature, value, where in [
        ("glcm_contrast", "NULL", "patient_id IN ('P3', 'P4')"),
        ("glcm_idm", "NULL", "patient_id > 'P3'"),
        ("glcm_id", "NULL", "patient_id > 'P1'"),
        ("glcm_imc1", "7", "true"),
        ("glcm_imc2", "7", "patient_id <> 'P8'"),
        ("firstorder_mean", "7", "patient_id < 'P5'"),
    ]:
        lake.run("sql", "-c", f"UPDATE radiomics.features SET original_{feature} = {value} WHERE modality = 'CT' AND {where}")
    everything = rows(lake, "SELECT * FROM radiomics.features")
    scaling = rows(lake, "SELECT * FROM similar_scaling()")
    assert_scaled(scaling, everything)
    assert len({row["reason"] for row in scaling}) == 4 and len({group(row) for row in scaling}) == 3
    assert rows(lake, f"SELECT * FROM similar_scaling('{other}')") == [row for row in scaling if row["settings_hash"] == other]
    assert rows(lake, "SELECT count(*) AS n FROM similar_scaling('none of them')") == [{"n": 0}]
    for arguments in ["1", "NULL", "'a', 'b'"]:
        assert "22023" in refusal(lake, f"SELECT * FROM similar_scaling({arguments})"), arguments
    assert "22023" in refusal(lake, "SELECT * FROM similar_cases('1.2.3/1', 3, 4)")

    # Distances and what contributes to them follow from it.
    default = next(row["settings_hash"] for row in scaling if row["settings_hash"] != other)
    cases = {row["patient_id"]: row for row in everything if group(row) == (default, "CT")}
    segment = f"{cases['P0']['sop_instance_uid']}/{cases['P0']['segment_number']}"
    used = [row for row in scaling if group(row) == (default, "CT") and row["used"]]
    found = rows(lake, f"SELECT * FROM similar_cases('{segment}', 20, '{default}')")
    assert {row["patient_id"] for row in found} == set(cases) - {"P0"}
    for near in found:
        squares = {}
        for row in used:
            a, b = (cases[patient][row["feature"]] for patient in ("P0", near["patient_id"]))
            if a is not None and b is not None:
                a, b = (np.clip((value - row["median"]) / row["spread"], -8, 8) for value in (a, b))
                squares[row["feature"]] = (a - b) ** 2
        assert near["shared_features"] == len(squares)
        assert math.isclose(near["distance"], math.sqrt(np.mean(list(squares.values()))), rel_tol=1e-9)
        for text in near["contributions"]:
            feature, share = text.split(":")[0], float(text.split()[-2])
            assert abs(100 * squares[feature] / sum(squares.values()) - share) <= 0.5 + 1e-9, text

    # A role has the scaling of what it sees, and of what it is shown in place of what is masked.
    lake.run(
        "sql",
        "-c",
        "CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE ROLE masked LOGIN PASSWORD 'x'; CREATE ROLE nobody LOGIN PASSWORD 'x'; "
        "GRANT USAGE ON SCHEMA imaging, radiomics TO reader, masked, nobody; "
        "GRANT SELECT ON imaging.segments, radiomics.features TO reader, masked; ALTER TABLE imaging.segments ENABLE ROW LEVEL SECURITY; "
        "CREATE POLICY p ON imaging.segments FOR SELECT TO reader USING (patient_id NOT LIKE 'P2%' AND patient_id <> 'P8'); "
        "CREATE POLICY q ON imaging.segments FOR SELECT TO masked USING (true); SECURITY LABEL FOR anon ON ROLE masked IS 'MASKED'; "
        "SECURITY LABEL FOR anon ON COLUMN radiomics.features.original_firstorder_energy IS 'MASKED WITH VALUE NULL'",
    )
    seen = rows(lake, "SELECT * FROM radiomics.features", "--as", "reader")
    assert {row["patient_id"] for row in seen} == set(cases) - {"P2", "P8"}
    theirs = rows(lake, "SELECT * FROM similar_scaling()", "--as", "reader")
    assert_scaled(theirs, seen)
    assert {row["modality"] for row in theirs} == {"CT"}
    shown = rows(lake, "SELECT * FROM radiomics.features", "--as", "masked")
    assert len(shown) == len(everything)
    blind = rows(lake, "SELECT * FROM similar_scaling()", "--as", "masked")
    assert_scaled(blind, shown)
    assert {row["present"] for row in blind if row["feature"] == "original_firstorder_energy"} == {0}
    near = rows(lake, f"SELECT * FROM similar_cases('{segment}', 20)", "--as", "masked")
    assert near and not any("firstorder_energy" in text for row in near for text in row["contributions"])
    # Features of different settings are not comparable: who is not shown the settings is told so.
    lake.run("sql", "-c", "SECURITY LABEL FOR anon ON COLUMN radiomics.features.settings_hash IS 'MASKED WITH VALUE NULL'")
    for call in ["similar_scaling()", f"similar_cases('{segment}', 20)"]:
        refused = refusal(lake, f"SELECT * FROM {call}", "--as", "masked")
        assert "42501" in refused and "settings_hash" in refused
    assert "42501" in refusal(lake, "SELECT * FROM similar_scaling()", "--as", "nobody")
    # Nor with the right to some columns: what is left out would say less than it seems.
    lake.run("sql", "-c", "GRANT SELECT (status, settings_hash, modality, original_firstorder_mean) ON radiomics.features TO nobody")
    assert "42501" in refusal(lake, "SELECT * FROM similar_scaling()", "--as", "nobody")
    # It is the scaling of a lake without those whom the role does not see.
    for patient in ["P2", "P8", *(f"P{n}" for n in range(20, 24))]:
        lake.run("sql", "-c", f"CALL radlake.forget(patient => '{patient}')")
    assert rows(lake, "SELECT * FROM similar_scaling()") == theirs
