// Paths that name the same file.
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { checkDistinct, sameFile } from "../../../commands/tapes/same-file.ts";

t.test("paths are compared after links and dots are resolved", async (t) => {
	const folder = t.testdir({ a: "", b: "" });
	symlinkSync("a", join(folder, "link"));
	t.equal(sameFile(join(folder, "./a"), [join(folder, "b"), join(folder, "link")]), join(folder, "link"));
	t.equal(sameFile(join(folder, "a"), [join(folder, "b"), "-"]), null);
	t.equal(sameFile(join(folder, "new"), [join(folder, "x/../new")]), join(folder, "x/../new"), "not written yet");
	t.equal(sameFile("-", ["-"]), null, "stdin and stdout are two");
});

t.test("an output that is another file of the command is refused", async (t) => {
	t.throws(() => checkDistinct("a.tape", ["b.tape", "./a.tape"]), { code: "FT_USAGE", message: /^a\.tape would be/ });
	checkDistinct("a.tape", ["b.tape"]);
});
