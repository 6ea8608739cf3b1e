"""Counts, cases, and the list of what is known."""

import collections
import csv
import hashlib
import json
import re

KINDS = ["same", "same error", "plan", "follow-on", "refused", "other SQLSTATE", "accepted", "types", "order", "wrong"]
KINDS += ["unstable", "timeout", "crash", "hang", "lost"]
# What must stand in the list of known cases.
FAULTS = {"wrong", "crash", "hang", "lost"}


def key(script, statement):
    """Names a statement for known.txt."""
    return script, hashlib.sha256(" ".join(statement.split()).encode()).hexdigest()[:12]


def known(path):
    """The keys in known.txt, whose lines are: script | hash | how it begins | reason."""
    found = {}
    if path.exists():
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                script, digest, rest = (part.strip() for part in line.split(" | ", 2))
                found[script, digest] = rest.rsplit(" | ", 1)[-1]
    return found


def known_line(case):
    script, digest = key(case["script"], case["statement"])
    start = " ".join(case["statement"].split())[:70].replace("|", "¦")
    return f"{script} | {digest} | {start} | {case['cause']}"


def shape(message):
    """A message without names and numbers, so that the like are counted together."""
    return re.sub(r"\d+", "#", re.sub(r"\"[^\"]*\"", '"…"', message))[:110]


def shown(answer, rows=12):
    if answer["state"]:
        return f"{answer['state']}: {answer['message']}"
    lines = []
    for columns, values, tag in answer["results"]:
        lines.append(" | ".join(label or "" for label, _ in columns) or tag)
        lines += [" | ".join("NULL" if v is None else v for v in row)[:300] for row in values[:rows]]
        lines += [f"… {len(values)} rows"] if len(values) > rows else []
    return "\n".join(lines)


def write(folder, counts, cases):
    """counts.csv, cases.jsonl, wrong.md, report.md."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "counts.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["script", "statements", *KINDS])
        for script, count in counts.items():
            lines.writerow([script, sum(count.values()), *(count[kind] for kind in KINDS)])
    with (folder / "cases.jsonl").open("w") as file:
        file.writelines(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    faults = [case for case in cases if case["kind"] in FAULTS]
    with (folder / "wrong.md").open("w") as file:
        for case in sorted(faults, key=lambda case: (case["kind"], case["cause"])):
            file.write(f"## {case['script']}:{case['line']} {case['kind']}: {case['cause']}\n\n")
            file.write(f"```sql\n{case['statement']}\n```\n\n")
            file.write(f"Radlake\n\n```\n{shown(case['ours'])}\n```\n\n")
            file.write(f"PostgreSQL\n\n```\n{shown(case['theirs'])}\n```\n\n")
    total = sum(counts.values(), collections.Counter())
    with (folder / "report.md").open("w") as file:
        file.write(f"{sum(total.values())} statements of {len(counts)} scripts\n\n")
        file.write("".join(f"- {kind}: {total[kind]}\n" for kind in KINDS))
        table(file, "Wrong rows by cause", (case["cause"] for case in cases if case["kind"] == "wrong"))
        table(
            file,
            "Errors of Radlake alone",
            (f"{c['ours']['state']} {shape(c['ours']['message'])}" for c in cases if c["kind"] == "refused"),
        )
        table(
            file,
            "Other SQLSTATE",
            (f"{c['ours']['state']}, not {c['theirs']['state']}" for c in cases if c["kind"] == "other SQLSTATE"),
        )
        table(
            file,
            "Internal errors (XX000) of Radlake",
            (shape(c["ours"]["message"]) for c in cases if c["ours"]["state"] == "XX000"),
        )
        file.write("\n## Scripts\n\n| script | statements | " + " | ".join(KINDS) + " |\n")
        file.write("|---|" + "---:|" * (len(KINDS) + 1) + "\n")
        for script, count in counts.items():
            cells = [script, str(sum(count.values())), *(str(count[kind] or "") for kind in KINDS)]
            file.write("| " + " | ".join(cells) + " |\n")
    return total, faults


def table(file, title, values, top=60):
    counted = collections.Counter(values)
    file.write(f"\n## {title}: {sum(counted.values())}\n\n")
    file.writelines(f"- {count} × {value}\n" for value, count in counted.most_common(top))
