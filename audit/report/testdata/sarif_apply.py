# Makes the fixes of SARIF reports with nothing but what SARIF 2.1.0 says about regions. Each line of
# the input is {"document": base64, "report": text}; each line of the output is the document after one
# fix, in base64.
import base64
import json
import sys
import urllib.parse

BOM = "\ufeff"


def starts_of_lines(text, newlines):
    starts, i = [0], 0
    while i < len(text):
        for newline in newlines:
            if text.startswith(newline, i):
                i += len(newline)
                starts.append(i)
                break
        else:
            i += 1
    return starts


for line in sys.stdin:
    case = json.loads(line)
    data = base64.b64decode(case["document"]).decode("utf-8")
    bom = BOM if data.startswith(BOM) else ""
    text = data[len(bom):]
    (run,) = json.loads(case["report"])["runs"]
    assert run["columnKind"] == "unicodeCodePoints"  # as Python counts
    starts = starts_of_lines(text, run.get("newlineSequences", ["\r\n", "\n"]))
    for result in run["results"]:
        for fix in result.get("fixes", []):
            assert fix["description"]["text"]
            (change,) = fix["artifactChanges"]
            assert urllib.parse.unquote(change["artifactLocation"]["uri"]) == "my guest.xml"
            edits = []
            for replacement in change["replacements"]:
                region = replacement["deletedRegion"]
                start = starts[region["startLine"] - 1] + region.get("startColumn", 1) - 1
                end_line = region.get("endLine", region["startLine"])
                end = starts[end_line - 1] + region["endColumn"] - 1
                assert 0 <= start <= end <= len(text)
                edits.append((start, end, replacement.get("insertedContent", {}).get("text", "")))
            out, at = "", 0
            for start, end, inserted in edits:
                assert start >= at, "replacements overlap"
                out += text[at:start] + inserted
                at = end
            out = bom + out + text[at:]
            print(base64.b64encode(out.encode("utf-8")).decode())
