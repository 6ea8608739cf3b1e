"""People with cancer, and without, as tables of OMOP CDM 5.4: the same for the same number of persons, on every machine.

    python generate.py --persons 10000 FOLDER

writes schema.sql, load.sql (psql, run in the folder) and a CSV file for every table. Of the schema there are the tables that
phenotypes ask; each has all the columns that CDM 5.4 gives it. Concepts of gender, race, visits, types and units bear the numbers
that OHDSI gives them, those of the clinic are numbered from 2,000,000,001, as OMOP asks of concepts of one's own.
"""

import argparse
import csv
import datetime
import pathlib
import random

SEED = 20260401
LAST_DAY = datetime.date(2023, 12, 31).toordinal()

INT, DATE, STAMP, NUMBER = "integer", "date", "timestamp", "numeric"


def _text(length):
    return f"varchar({length})"


# Of every table the columns with their types; `!` marks those that are NOT NULL.
TABLES = {
    "cdm.person": [
        ("person_id", "integer!"),
        ("gender_concept_id", "integer!"),
        ("year_of_birth", "integer!"),
        ("month_of_birth", INT),
        ("day_of_birth", INT),
        ("birth_datetime", STAMP),
        ("race_concept_id", "integer!"),
        ("ethnicity_concept_id", "integer!"),
        ("location_id", INT),
        ("provider_id", INT),
        ("care_site_id", INT),
        ("person_source_value", _text(50)),
        ("gender_source_value", _text(50)),
        ("gender_source_concept_id", INT),
        ("race_source_value", _text(50)),
        ("race_source_concept_id", INT),
        ("ethnicity_source_value", _text(50)),
        ("ethnicity_source_concept_id", INT),
    ],
    "cdm.observation_period": [
        ("observation_period_id", "integer!"),
        ("person_id", "integer!"),
        ("observation_period_start_date", "date!"),
        ("observation_period_end_date", "date!"),
        ("period_type_concept_id", "integer!"),
    ],
    "cdm.visit_occurrence": [
        ("visit_occurrence_id", "integer!"),
        ("person_id", "integer!"),
        ("visit_concept_id", "integer!"),
        ("visit_start_date", "date!"),
        ("visit_start_datetime", STAMP),
        ("visit_end_date", "date!"),
        ("visit_end_datetime", STAMP),
        ("visit_type_concept_id", "integer!"),
        ("provider_id", INT),
        ("care_site_id", INT),
        ("visit_source_value", _text(50)),
        ("visit_source_concept_id", INT),
        ("admitted_from_concept_id", INT),
        ("admitted_from_source_value", _text(50)),
        ("discharged_to_concept_id", INT),
        ("discharged_to_source_value", _text(50)),
        ("preceding_visit_occurrence_id", INT),
    ],
    "cdm.condition_occurrence": [
        ("condition_occurrence_id", "integer!"),
        ("person_id", "integer!"),
        ("condition_concept_id", "integer!"),
        ("condition_start_date", "date!"),
        ("condition_start_datetime", STAMP),
        ("condition_end_date", DATE),
        ("condition_end_datetime", STAMP),
        ("condition_type_concept_id", "integer!"),
        ("condition_status_concept_id", INT),
        ("stop_reason", _text(20)),
        ("provider_id", INT),
        ("visit_occurrence_id", INT),
        ("visit_detail_id", INT),
        ("condition_source_value", _text(50)),
        ("condition_source_concept_id", INT),
        ("condition_status_source_value", _text(50)),
    ],
    "cdm.drug_exposure": [
        ("drug_exposure_id", "integer!"),
        ("person_id", "integer!"),
        ("drug_concept_id", "integer!"),
        ("drug_exposure_start_date", "date!"),
        ("drug_exposure_start_datetime", STAMP),
        ("drug_exposure_end_date", "date!"),
        ("drug_exposure_end_datetime", STAMP),
        ("verbatim_end_date", DATE),
        ("drug_type_concept_id", "integer!"),
        ("stop_reason", _text(20)),
        ("refills", INT),
        ("quantity", NUMBER),
        ("days_supply", INT),
        ("sig", "text"),
        ("route_concept_id", INT),
        ("lot_number", _text(50)),
        ("provider_id", INT),
        ("visit_occurrence_id", INT),
        ("visit_detail_id", INT),
        ("drug_source_value", _text(50)),
        ("drug_source_concept_id", INT),
        ("route_source_value", _text(50)),
        ("dose_unit_source_value", _text(50)),
    ],
    "cdm.procedure_occurrence": [
        ("procedure_occurrence_id", "integer!"),
        ("person_id", "integer!"),
        ("procedure_concept_id", "integer!"),
        ("procedure_date", "date!"),
        ("procedure_datetime", STAMP),
        ("procedure_end_date", DATE),
        ("procedure_end_datetime", STAMP),
        ("procedure_type_concept_id", "integer!"),
        ("modifier_concept_id", INT),
        ("quantity", INT),
        ("provider_id", INT),
        ("visit_occurrence_id", INT),
        ("visit_detail_id", INT),
        ("procedure_source_value", _text(50)),
        ("procedure_source_concept_id", INT),
        ("modifier_source_value", _text(50)),
    ],
    "cdm.measurement": [
        ("measurement_id", "integer!"),
        ("person_id", "integer!"),
        ("measurement_concept_id", "integer!"),
        ("measurement_date", "date!"),
        ("measurement_datetime", STAMP),
        ("measurement_time", _text(10)),
        ("measurement_type_concept_id", "integer!"),
        ("operator_concept_id", INT),
        ("value_as_number", NUMBER),
        ("value_as_concept_id", INT),
        ("unit_concept_id", INT),
        ("range_low", NUMBER),
        ("range_high", NUMBER),
        ("provider_id", INT),
        ("visit_occurrence_id", INT),
        ("visit_detail_id", INT),
        ("measurement_source_value", _text(50)),
        ("measurement_source_concept_id", INT),
        ("unit_source_value", _text(50)),
        ("unit_source_concept_id", INT),
        ("value_source_value", _text(50)),
        ("measurement_event_id", INT),
        ("meas_event_field_concept_id", INT),
    ],
    "cdm.observation": [
        ("observation_id", "integer!"),
        ("person_id", "integer!"),
        ("observation_concept_id", "integer!"),
        ("observation_date", "date!"),
        ("observation_datetime", STAMP),
        ("observation_type_concept_id", "integer!"),
        ("value_as_number", NUMBER),
        ("value_as_string", _text(60)),
        ("value_as_concept_id", INT),
        ("qualifier_concept_id", INT),
        ("unit_concept_id", INT),
        ("provider_id", INT),
        ("visit_occurrence_id", INT),
        ("visit_detail_id", INT),
        ("observation_source_value", _text(50)),
        ("observation_source_concept_id", INT),
        ("unit_source_value", _text(50)),
        ("qualifier_source_value", _text(50)),
        ("value_source_value", _text(50)),
        ("observation_event_id", INT),
        ("obs_event_field_concept_id", INT),
    ],
    "cdm.death": [
        ("person_id", "integer!"),
        ("death_date", "date!"),
        ("death_datetime", STAMP),
        ("death_type_concept_id", INT),
        ("cause_concept_id", INT),
        ("cause_source_value", _text(50)),
        ("cause_source_concept_id", INT),
    ],
    "cdm.drug_era": [
        ("drug_era_id", "integer!"),
        ("person_id", "integer!"),
        ("drug_concept_id", "integer!"),
        ("drug_era_start_date", "date!"),
        ("drug_era_end_date", "date!"),
        ("drug_exposure_count", INT),
        ("gap_days", INT),
    ],
    "cdm.condition_era": [
        ("condition_era_id", "integer!"),
        ("person_id", "integer!"),
        ("condition_concept_id", "integer!"),
        ("condition_era_start_date", "date!"),
        ("condition_era_end_date", "date!"),
        ("condition_occurrence_count", INT),
    ],
    "vocab.concept": [
        ("concept_id", "integer!"),
        ("concept_name", "varchar(255)!"),
        ("domain_id", "varchar(20)!"),
        ("vocabulary_id", "varchar(20)!"),
        ("concept_class_id", "varchar(20)!"),
        ("standard_concept", _text(1)),
        ("concept_code", "varchar(50)!"),
        ("valid_start_date", "date!"),
        ("valid_end_date", "date!"),
        ("invalid_reason", _text(1)),
    ],
    "vocab.concept_ancestor": [
        ("ancestor_concept_id", "integer!"),
        ("descendant_concept_id", "integer!"),
        ("min_levels_of_separation", "integer!"),
        ("max_levels_of_separation", "integer!"),
    ],
    "results.cohort": [
        ("cohort_definition_id", "integer!"),
        ("subject_id", "integer!"),
        ("cohort_start_date", "date!"),
        ("cohort_end_date", "date!"),
    ],
    "results.cohort_inclusion": [
        ("cohort_definition_id", "integer!"),
        ("rule_sequence", "integer!"),
        ("name", _text(255)),
        ("description", _text(1000)),
    ],
    "results.cohort_inclusion_result": [
        ("cohort_definition_id", "integer!"),
        ("inclusion_rule_mask", "bigint!"),
        ("person_count", "bigint!"),
        ("mode_id", "integer!"),
    ],
    "results.cohort_inclusion_stats": [
        ("cohort_definition_id", "integer!"),
        ("rule_sequence", "integer!"),
        ("person_count", "bigint!"),
        ("gain_count", "bigint!"),
        ("person_total", "bigint!"),
        ("mode_id", "integer!"),
    ],
    "results.cohort_summary_stats": [
        ("cohort_definition_id", "integer!"),
        ("base_count", "bigint!"),
        ("final_count", "bigint!"),
        ("mode_id", "integer!"),
    ],
    "results.cohort_censor_stats": [("cohort_definition_id", "integer!"), ("lost_count", "bigint!")],
}

# Concepts of the clinic: number, parents, domain, name. A number is counted from 2,000,000,000.
OWN = 2_000_000_000
CONCEPTS = [
    (1, [], "Condition", "Malignant neoplastic disease"),
    (10, [1], "Condition", "Malignant tumor of lung"),
    (11, [10], "Condition", "Adenocarcinoma of lung"),
    (12, [10], "Condition", "Squamous cell carcinoma of lung"),
    (13, [10], "Condition", "Small cell carcinoma of lung"),
    (20, [1], "Condition", "Malignant tumor of breast"),
    (21, [20], "Condition", "Infiltrating duct carcinoma of breast"),
    (22, [20], "Condition", "Lobular carcinoma of breast"),
    (30, [1], "Condition", "Malignant tumor of colon and rectum"),
    (31, [30], "Condition", "Adenocarcinoma of colon"),
    (32, [30], "Condition", "Adenocarcinoma of rectum"),
    (33, [30, 40], "Condition", "Metastasis to liver from colon"),
    (40, [1], "Condition", "Secondary malignant neoplastic disease"),
    (41, [40], "Condition", "Secondary malignant neoplasm of brain"),
    (42, [40], "Condition", "Secondary malignant neoplasm of bone"),
    (43, [40], "Condition", "Secondary malignant neoplasm of liver"),
    (50, [], "Condition", "Solitary nodule of lung"),
    (51, [], "Condition", "Anemia"),
    (52, [51], "Condition", "Anemia due to chemotherapy"),
    (53, [], "Condition", "Neutropenia"),
    (54, [53], "Condition", "Febrile neutropenia"),
    (55, [], "Condition", "Nausea and vomiting"),
    (56, [], "Condition", "Pneumonia"),
    (57, [56], "Condition", "Radiation pneumonitis"),
    (58, [], "Condition", "Chronic obstructive lung disease"),
    (59, [], "Condition", "Essential hypertension"),
    (60, [], "Condition", "Type 2 diabetes mellitus"),
    (61, [], "Condition", "Pregnancy"),
    (62, [], "Condition", "Venous thromboembolism"),
    (100, [], "Procedure", "Imaging procedure"),
    (101, [100], "Procedure", "Computed tomography"),
    (102, [101], "Procedure", "CT of chest"),
    (103, [101], "Procedure", "CT of abdomen and pelvis"),
    (104, [100], "Procedure", "Positron emission tomography"),
    (105, [104, 101], "Procedure", "PET with CT of whole body"),
    (106, [100], "Procedure", "Magnetic resonance imaging"),
    (107, [106], "Procedure", "MRI of breast"),
    (108, [106], "Procedure", "MRI of brain"),
    (109, [100], "Procedure", "Mammography"),
    (120, [], "Procedure", "Surgical resection of neoplasm"),
    (121, [120], "Procedure", "Lobectomy of lung"),
    (122, [120], "Procedure", "Mastectomy"),
    (123, [120], "Procedure", "Lumpectomy of breast"),
    (124, [120], "Procedure", "Hemicolectomy"),
    (130, [], "Procedure", "Biopsy"),
    (131, [], "Procedure", "External beam radiotherapy"),
    (132, [], "Procedure", "Colonoscopy"),
    (200, [], "Drug", "Antineoplastic agents"),
    (201, [200], "Drug", "Platinum compounds"),
    (202, [200], "Drug", "Protein kinase inhibitors"),
    (210, [201], "Drug", "cisplatin"),
    (211, [201], "Drug", "carboplatin"),
    (212, [201], "Drug", "oxaliplatin"),
    (213, [200], "Drug", "pemetrexed"),
    (214, [200], "Drug", "docetaxel"),
    (215, [200], "Drug", "doxorubicin"),
    (216, [200], "Drug", "fluorouracil"),
    (217, [202], "Drug", "osimertinib"),
    (218, [202], "Drug", "erlotinib"),
    (219, [202], "Drug", "gefitinib"),
    (220, [], "Drug", "tamoxifen"),
    (221, [], "Drug", "filgrastim"),
    (222, [], "Drug", "metformin"),
    (223, [], "Drug", "atorvastatin"),
    (224, [], "Drug", "ondansetron"),
    (300, [], "Measurement", "Hemoglobin [Mass/volume] in Blood"),
    (301, [], "Measurement", "Neutrophils [#/volume] in Blood"),
    (302, [], "Measurement", "Carcinoembryonic Ag [Mass/volume] in Serum"),
    (303, [], "Measurement", "Creatinine [Mass/volume] in Serum"),
    (304, [], "Measurement", "Largest diameter of lesion"),
    (310, [], "Measurement", "AJCC stage group"),
    (311, [310], "Measurement", "Stage I"),
    (312, [310], "Measurement", "Stage II"),
    (313, [310], "Measurement", "Stage III"),
    (314, [310], "Measurement", "Stage IV"),
    (320, [], "Measurement", "EGFR gene mutation"),
    (321, [], "Meas Value", "Positive"),
    (322, [], "Meas Value", "Negative"),
    (400, [], "Observation", "Tobacco smoking status"),
    (401, [], "Meas Value", "Current smoker"),
    (402, [], "Meas Value", "Former smoker"),
    (403, [], "Meas Value", "Never smoked"),
    (404, [], "Observation", "ECOG performance status"),
    (405, [], "Observation", "Cigarette pack-years"),
    (406, [], "Observation", "Family history of malignant neoplasm"),
]
STANDARD = [
    (8507, "MALE", "Gender"),
    (8532, "FEMALE", "Gender"),
    (8527, "White", "Race"),
    (8516, "Black or African American", "Race"),
    (8515, "Asian", "Race"),
    (38003563, "Hispanic or Latino", "Ethnicity"),
    (38003564, "Not Hispanic or Latino", "Ethnicity"),
    (9201, "Inpatient Visit", "Visit"),
    (9202, "Outpatient Visit", "Visit"),
    (9203, "Emergency Room Visit", "Visit"),
    (32817, "EHR", "Type Concept"),
    (8713, "gram per deciliter", "Unit"),
    (8840, "milligram per deciliter", "Unit"),
    (8842, "nanogram per milliliter", "Unit"),
    (8848, "thousand per microliter", "Unit"),
    (8588, "millimeter", "Unit"),
    (8636, "gram per liter", "Unit"),
]
INGREDIENTS = range(210, 225)
# What is dispensed of an ingredient: clinical drugs of several strengths, numbered behind it.
STRENGTHS = 3


def _clinical_drug(ingredient, strength):
    return 1000 + (ingredient - 200) * 10 + strength


def vocabulary():
    """The rows of vocab.concept and vocab.concept_ancestor."""
    always = {"valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31"}
    concepts, parents = [], {}
    for number, name, domain in STANDARD:
        concepts.append(
            {"concept_id": number, "concept_name": name, "domain_id": domain, "vocabulary_id": domain[:20]}
            | {"concept_class_id": domain, "standard_concept": "S", "concept_code": name[:50]}
            | always
        )
        parents[number] = []
    own = list(CONCEPTS)
    for ingredient in INGREDIENTS:
        name = next(c[3] for c in CONCEPTS if c[0] == ingredient)
        for strength in range(STRENGTHS):
            dose = 50 * (strength + 1)
            own.append((_clinical_drug(ingredient, strength), [ingredient], "Drug", f"{name} {dose} MG"))
    # Morphologies nobody is ever coded with, and one in eight withdrawn: code sets are wider than the data.
    for parent in (11, 12, 13, 21, 22, 31, 32):
        name = next(c[3] for c in CONCEPTS if c[0] == parent)
        for variant in range(24):
            own.append((2000 + parent * 100 + variant, [parent], "Condition", f"{name}, variant {variant + 1}"))
    for number, above, domain, name in own:
        withdrawn = number >= 2000 and number % 8 == 0
        kind = "Ingredient" if number in INGREDIENTS else "Clinical Drug" if 1000 <= number < 2000 else "Clinical Finding"
        row = {"concept_id": OWN + number, "concept_name": name, "domain_id": domain, "vocabulary_id": "Own"}
        row |= {"concept_class_id": kind, "standard_concept": None if withdrawn else "S", "concept_code": f"C{number}"}
        row |= always
        if withdrawn:
            row |= {"valid_end_date": "2019-12-31", "invalid_reason": "D"}
        concepts.append(row)
        parents[OWN + number] = [OWN + p for p in above]
    ancestors = []
    for concept in parents:
        levels = {concept: (0, 0)}
        queue = [(concept, 0)]
        while queue:
            at, depth = queue.pop(0)
            for parent in parents[at]:
                low, high = levels.get(parent, (depth + 1, depth + 1))
                levels[parent] = (min(low, depth + 1), max(high, depth + 1))
                queue.append((parent, depth + 1))
        for ancestor, (low, high) in levels.items():
            ancestors.append(
                {"ancestor_concept_id": ancestor, "descendant_concept_id": concept}
                | {"min_levels_of_separation": low, "max_levels_of_separation": high}
            )
    return concepts, ancestors


def _day(ordinal):
    return datetime.date.fromordinal(ordinal).isoformat()


class Clinic:
    """Makes up persons one after another, each with what happened to them."""

    def __init__(self, seed):
        # Of the generator of random numbers only random() is the same in every release of Python.
        self.random = random.Random(seed).random
        self.rows = {name: [] for name in TABLES if name.startswith("cdm.")}
        self.used = {}

    def below(self, n):
        return int(self.random() * n)

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def chance(self, p):
        return self.random() < p

    def one_of(self, choices):
        return choices[self.below(len(choices))]

    def key(self, table):
        """The next key of a table. Keys of different tables differ, so that an event's key breaks every tie."""
        at = list(self.rows).index(table)
        self.used[table] = self.used.get(table, 0) + 1
        return at * 10_000_000 + self.used[table]

    def stamp(self, ordinal):
        return f"{_day(ordinal)} {self.between(7, 18):02}:{self.below(60):02}:00"

    def covered(self, day):
        return any(start <= day <= end for start, end in self.periods) and (self.died is None or day <= self.died)

    def visit(self, kind, start, days=0):
        number = self.key("cdm.visit_occurrence")
        end = start + days
        self.rows["cdm.visit_occurrence"].append(
            {"visit_occurrence_id": number, "person_id": self.person, "visit_concept_id": kind}
            | {"visit_start_date": _day(start), "visit_end_date": _day(end), "visit_type_concept_id": 32817}
            | {"visit_start_datetime": self.stamp(start), "care_site_id": 1 + self.person % 7}
        )
        self.visits.append((start, number))
        return number

    def condition(self, concept, start, days=None, visit=None):
        if not self.covered(start):
            return
        self.rows["cdm.condition_occurrence"].append(
            {"condition_occurrence_id": self.key("cdm.condition_occurrence"), "person_id": self.person}
            | {"condition_concept_id": OWN + concept, "condition_start_date": _day(start)}
            | {"condition_start_datetime": self.stamp(start), "condition_type_concept_id": 32817}
            | {"condition_end_date": None if days is None else _day(start + days), "visit_occurrence_id": visit}
            | {"condition_source_value": f"C{concept}"}
        )
        self.condition_spans.append((OWN + concept, start, start + (days or 0)))

    def drug(self, ingredient, start, days, visit=None):
        if not self.covered(start):
            return
        strength = self.below(STRENGTHS)
        self.rows["cdm.drug_exposure"].append(
            {"drug_exposure_id": self.key("cdm.drug_exposure"), "person_id": self.person}
            | {"drug_concept_id": OWN + _clinical_drug(ingredient, strength), "drug_type_concept_id": 32817}
            | {"drug_exposure_start_date": _day(start), "drug_exposure_end_date": _day(start + days)}
            | {"drug_exposure_start_datetime": self.stamp(start), "refills": self.below(4)}
            | {"days_supply": None if self.chance(0.1) else days, "quantity": f"{days * (strength + 1)}.00"}
            | {"visit_occurrence_id": visit, "drug_source_value": f"D{ingredient}"}
        )
        self.drug_spans.append((OWN + ingredient, start, start + days))

    def procedure(self, concept, day, visit=None):
        if not self.covered(day):
            return
        self.rows["cdm.procedure_occurrence"].append(
            {"procedure_occurrence_id": self.key("cdm.procedure_occurrence"), "person_id": self.person}
            | {"procedure_concept_id": OWN + concept, "procedure_date": _day(day), "quantity": self.between(1, 2)}
            | {"procedure_datetime": self.stamp(day), "procedure_type_concept_id": 32817}
            | {"visit_occurrence_id": visit, "procedure_source_value": f"P{concept}"}
        )

    def measurement(self, concept, day, value=None, unit=None, low=None, high=None, coded=None, visit=None):
        if not self.covered(day):
            return
        self.rows["cdm.measurement"].append(
            {"measurement_id": self.key("cdm.measurement"), "person_id": self.person}
            | {"measurement_concept_id": OWN + concept, "measurement_date": _day(day), "unit_concept_id": unit}
            | {"measurement_datetime": self.stamp(day), "measurement_type_concept_id": 32817}
            | {"value_as_number": value, "value_as_concept_id": coded and OWN + coded, "range_low": low}
            | {"range_high": high, "visit_occurrence_id": visit, "measurement_source_value": f"M{concept}"}
        )

    def hemoglobin(self, day, sick, visit=None):
        value = 7 + self.random() * 5 if sick else 11 + self.random() * 5
        if self.chance(0.2):  # Some laboratories count by the litre.
            self.measurement(300, day, f"{value * 10:.0f}", 8636, "120", "170", visit=visit)
        else:
            self.measurement(300, day, f"{value:.1f}", 8713, "12.0", "17.0", visit=visit)

    def neutrophils(self, day, sick, visit=None):
        value = 0.2 + self.random() * 2.5 if sick else 1.8 + self.random() * 5
        self.measurement(301, day, f"{value:.2f}", 8848, "1.50", "7.50", visit=visit)

    def observation(self, concept, day, number=None, coded=None, string=None):
        if not self.covered(day):
            return
        self.rows["cdm.observation"].append(
            {"observation_id": self.key("cdm.observation"), "person_id": self.person, "value_as_number": number}
            | {"observation_concept_id": OWN + concept, "observation_date": _day(day)}
            | {"observation_datetime": self.stamp(day), "observation_type_concept_id": 32817}
            | {"value_as_concept_id": coded and OWN + coded, "value_as_string": string}
        )

    def live(self, person):
        """A person's whole life, as far as it was recorded."""
        self.person = person
        self.visits, self.condition_spans, self.drug_spans = [], [], []
        self.died = None
        woman = self.chance(0.52)
        year = self.between(1930, 1985)
        row = {"person_id": person, "gender_concept_id": 8532 if woman else 8507, "year_of_birth": year}
        row |= {"month_of_birth": self.between(1, 12), "day_of_birth": self.between(1, 28)}
        row |= {"race_concept_id": self.one_of([8527, 8527, 8527, 8516, 8515]), "person_source_value": f"P{person:06}"}
        row |= {"ethnicity_concept_id": self.one_of([38003563, 38003564, 38003564, 38003564])}
        if self.chance(0.7):
            row["birth_datetime"] = f"{year}-{row['month_of_birth']:02}-{row['day_of_birth']:02} 00:00:00"
        row |= {"location_id": 1 + self.below(40), "gender_source_value": "F" if woman else "M"}
        self.rows["cdm.person"].append(row)

        start = datetime.date(2005, 1, 1).toordinal() + self.below(3650)
        end = min(start + self.between(400, 5200), LAST_DAY)
        self.periods = [(start, end)]
        if end - start > 1500 and self.chance(0.12):  # Somebody who moved away for a while.
            away = start + self.between(400, 900)
            self.periods = [(start, away), (away + self.between(60, 300), end)]

        smoker = self.one_of([401, 402, 403, 403])
        cancers = []
        if self.chance(0.13 if smoker != 403 else 0.04):
            cancers.append("lung")
        if self.chance(0.14 if woman else 0.003):
            cancers.append("breast")
        if self.chance(0.08):
            cancers.append("colon")

        self.background(start, end, smoker)
        for cancer in cancers:
            begin, last = self.one_of(self.periods)
            self.cancer(cancer, self.between(begin, last), end)
        if not cancers and self.chance(0.06):
            self.die(self.between(start + 200, end), OWN + 59)
        self.close(start, end)

    def background(self, start, end, smoker):
        for _ in range(self.between(2, 12)):
            day = self.between(start, end)
            if not self.covered(day):
                continue
            kind = self.one_of([9202, 9202, 9202, 9202, 9201, 9203])
            visit = self.visit(kind, day, self.between(1, 9) if kind == 9201 else 0)
            if self.chance(0.5):
                self.condition(self.one_of([56, 58, 59, 59, 60, 55, 51, 62, 50]), day, self.between(1, 60), visit)
            if self.chance(0.4):
                self.drug(self.one_of([222, 223, 223, 224]), day, self.one_of([30, 60, 90]), visit)
            if self.chance(0.4):
                self.hemoglobin(day, self.chance(0.1), visit)
            if self.chance(0.3):
                self.measurement(303, day, f"{0.5 + self.random():.2f}", 8840, "0.60", "1.30", visit=visit)
            if self.chance(0.08):
                self.procedure(self.one_of([102, 103, 109, 108, 132]), day, visit)
        day = start + self.below(300)
        self.observation(400, day, coded=smoker)
        if smoker != 403:
            self.observation(405, day, number=self.between(2, 60))
        if self.chance(0.15):
            self.observation(406, day, string=self.one_of(["mother", "father", "sibling"]))

    def cancer(self, kind, day, end):
        stage = self.one_of([1, 1, 2, 2, 3, 3, 4, 4] if kind == "lung" else [1, 1, 1, 2, 2, 2, 3, 4])
        diagnoses = {"lung": [11, 11, 12, 13, 10], "breast": [21, 21, 22, 20], "colon": [31, 31, 32, 30]}[kind]
        diagnosis = self.one_of(diagnoses)
        chest, surgery = {"lung": (102, [121]), "breast": (107, [122, 123]), "colon": (103, [124])}[kind]
        # Found by imaging, proved by biopsy, staged.
        if kind == "lung" and self.chance(0.4):
            self.condition(50, day - self.between(10, 120), 0)
        self.procedure(chest, day - self.between(1, 30))
        if self.chance(0.6):
            self.procedure(130, day - self.between(0, 14))
        visit = self.visit(9202, day)
        self.condition(diagnosis, day, None if self.chance(0.5) else self.between(30, 900), visit)
        for _ in range(self.between(0, 4)):
            self.condition(diagnosis, day + self.between(10, 700), 0)
        if self.chance(0.7):
            self.procedure(105, day + self.between(0, 50))
        if self.chance(0.85):
            self.measurement(310 + stage, day + self.between(0, 30), coded=None)
        self.measurement(304, day + self.between(0, 20), f"{8 + self.random() * 60:.1f}", 8588)
        self.observation(404, day + self.between(0, 20), number=self.below(4))
        if kind == "lung":
            positive = self.chance(0.35)
            self.measurement(320, day + self.between(5, 40), coded=321 if positive else 322)
        else:
            positive = False

        cut = stage <= 3 and self.chance(0.75)
        if cut:
            at = day + self.between(10, 120)
            if self.covered(at):
                stay = self.visit(9201, at, self.between(2, 12))
                self.procedure(self.one_of(surgery), at, stay)
        if self.chance(0.3):
            begin = day + self.between(40, 200)
            for session in range(self.between(5, 25)):
                self.procedure(131, begin + session)
            if kind == "lung" and self.chance(0.25):
                self.condition(57, begin + self.between(30, 120), 20)
        if self.chance(0.35 + 0.12 * stage):
            self.chemotherapy(kind, day + self.between(15, 150))
        if positive or self.chance(0.05):
            self.tablets([217, 218, 219], day + self.between(20, 90), self.between(3, 24))
        if kind == "breast" and self.chance(0.5):
            self.tablets([220], day + self.between(60, 200), self.between(4, 40))
        # Followed up by imaging and tumour marker.
        level = 2 + self.random() * 20
        for visit_number in range(self.between(2, 14)):
            at = day + 90 * (visit_number + 1) + self.between(-15, 15)
            if not self.covered(at):
                break
            visit = self.visit(9202, at)
            self.procedure(self.one_of([102, 103, 105]), at, visit)
            level *= 0.6 + self.random() * 0.85
            self.measurement(302, at, f"{level:.2f}", 8842, "0.00", "5.00", visit=visit)
            self.hemoglobin(at, self.chance(0.15), visit)
            self.measurement(304, at, f"{4 + self.random() * 50:.1f}", 8588, visit=visit)
        if stage == 4 or self.chance(0.15):
            at = day + (self.between(0, 60) if stage == 4 else self.between(120, 1500))
            self.condition(self.one_of([41, 42, 43, 33] if kind == "colon" else [41, 42, 43]), at, None)
        if self.chance(0.1 + 0.17 * stage):
            self.die(min(day + self.between(60, 2400 - 450 * stage), end), OWN + diagnosis)

    def chemotherapy(self, kind, begin):
        agents = {"lung": [[210, 213], [211, 213], [211, 214]], "breast": [[215], [214]], "colon": [[216, 212], [216]]}
        agents = self.one_of(agents[kind])
        inpatient = self.chance(0.25)
        for cycle in range(self.between(3, 8)):
            at = begin + 21 * cycle + self.below(4)
            if not self.covered(at):
                break
            visit = self.visit(9201 if inpatient else 9202, at, 1 if inpatient else 0)
            for agent in agents:
                self.drug(agent, at, 1, visit)
            self.drug(224, at, 5, visit)
            self.hemoglobin(at + 7, self.chance(0.5))
            self.neutrophils(at + 10, self.chance(0.45))
            if self.chance(0.12):
                self.condition(52, at + 8, 14)
            if self.chance(0.1):
                emergency = at + 11
                if self.covered(emergency):
                    visit = self.visit(9203, emergency)
                    self.condition(54, emergency, 7, visit)
                    self.drug(221, emergency, 3, visit)
            if self.chance(0.2):
                self.condition(55, at + 1, 3)

    def tablets(self, drugs, begin, months):
        drug = self.one_of(drugs)
        at = begin
        for month in range(months):
            self.drug(drug, at, 30)
            # Most come back in time, some late, a few after months; and one in thirty is switched.
            at += self.one_of([28, 30, 30, 31, 33, 38]) if self.chance(0.93) else self.between(60, 200)
            if self.chance(0.03):
                drug = self.one_of(drugs)

    def die(self, day, cause):
        if self.died is None or day < self.died:
            self.died = day
            self.cause = cause

    def close(self, start, end):
        """Ends the recording: nothing happens to the dead, and eras are derived from what remains."""
        if self.died is not None:
            self.rows["cdm.death"].append(
                {"person_id": self.person, "death_date": _day(self.died), "death_type_concept_id": 32817}
                | {"death_datetime": f"{_day(self.died)} 00:00:00", "cause_concept_id": self.cause}
            )
            self.periods = [(a, min(b, self.died)) for a, b in self.periods if a <= self.died]
        for begin, last in self.periods:
            self.rows["cdm.observation_period"].append(
                {"observation_period_id": self.key("cdm.observation_period"), "person_id": self.person}
                | {"observation_period_start_date": _day(begin), "observation_period_end_date": _day(last)}
                | {"period_type_concept_id": 32817}
            )
        for concept, begin, last, count, exposed in eras(self.drug_spans):
            self.rows["cdm.drug_era"].append(
                {"drug_era_id": self.key("cdm.drug_era"), "person_id": self.person, "drug_concept_id": concept}
                | {"drug_era_start_date": _day(begin), "drug_era_end_date": _day(last)}
                | {"drug_exposure_count": count, "gap_days": max(0, last - begin - exposed)}
            )
        for concept, begin, last, count, _ in eras(self.condition_spans):
            self.rows["cdm.condition_era"].append(
                {"condition_era_id": self.key("cdm.condition_era"), "person_id": self.person}
                | {"condition_concept_id": concept, "condition_era_start_date": _day(begin)}
                | {"condition_era_end_date": _day(last), "condition_occurrence_count": count}
            )


def eras(spans, gap=30):
    """Spans of the same concept no more than `gap` days apart, as one."""
    joined = []
    for concept, start, end in sorted(spans):
        if joined and joined[-1][0] == concept and start <= joined[-1][2] + gap:
            last = joined[-1]
            last[2] = max(last[2], end)
            last[3] += 1
            last[4] += end - start
        else:
            joined.append([concept, start, end, 1, end - start])
    return joined


def generate(persons):
    """The rows of every table as dictionaries; a column that is missing is NULL."""
    clinic = Clinic(SEED)
    for person in range(1, persons + 1):
        clinic.live(person)
    concepts, ancestors = vocabulary()
    return clinic.rows | {"vocab.concept": concepts, "vocab.concept_ancestor": ancestors}


def schema():
    """The DDL of all tables."""
    lines = [f"CREATE SCHEMA {name};" for name in ("cdm", "vocab", "results")]
    for table, columns in TABLES.items():
        listed = ",\n    ".join(f"{name} {kind[:-1]} NOT NULL" if kind[-1] == "!" else f"{name} {kind}" for name, kind in columns)
        lines.append(f"CREATE TABLE {table} (\n    {listed}\n);")
    return "\n".join(lines) + "\n"


def write(folder, persons):
    """Writes the schema, the rows and the script of psql that loads them."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schema.sql").write_text(schema())
    load = []
    for table, rows in generate(persons).items():
        names = [name for name, _ in TABLES[table]]
        with (folder / f"{table}.csv").open("w", newline="") as file:
            out = csv.DictWriter(file, names, restval=None, lineterminator="\n")
            out.writeheader()
            out.writerows(rows)
        load.append(f"\\copy {table} FROM '{table}.csv' WITH (FORMAT csv, HEADER)")
    (folder / "load.sql").write_text("\n".join(load) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--persons", type=int, default=10_000)
    arguments = parser.parse_args()
    write(arguments.folder, arguments.persons)
