"""What the figures of a check come to, from its lines alone: also of one that was cut off."""

from gpu.parts import PARTS
from gpu.switches import switches


def latest(figures, part):
    """Lines from the part's last beginning to its end, or to where another part or check begins."""
    lines, inside = [], False
    for figure in figures:
        if "begins" in figure or "begun" in figure:
            inside = figure["part"] == part
            lines = [] if inside else lines
        if inside:
            lines.append(figure)
            inside = "ends" not in figure
    return lines


def state_of(part, lines):
    """How the part ended, and why."""
    if not lines:
        return "not run", ""
    end = lines[-1]
    state, why = (end["ends"], end["why"]) if "ends" in end else ("cut off", "in the middle")
    wrong = [f"{line['name']}: {line['state']}" + (f" ({line['why']})" if line.get("why") else "")
             for line in lines if line.get("part") == part and line.get("state", "passed") != "passed"]
    if wrong and "ends" not in end:
        state = "failed"
    return state, "; ".join(([why] if why else []) + wrong)


def summarise(figures):
    """@return the text, and whether everything has passed"""
    states = {part.name: state_of(part.name, latest(figures, part.name)) for part in PARTS}
    text = [f"  {name:<10} {state:<8} {why}".rstrip() for name, (state, why) in states.items()]
    text += [f"  {line}" for line in switches([line for name in states for line in latest(figures, name)])]
    named = {wanted: [name for name, (state, _) in states.items() if state == wanted]
             for wanted in ("failed", "cut off", "not run")}
    ends = [f"{state}: {' '.join(names)}" for state, names in named.items() if names]
    if not named["failed"] and ends:
        ends.insert(0, "incomplete")
    return "\n".join(text), "; ".join(ends)
