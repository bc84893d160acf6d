// The versions that can be written.
import t from "tap";
import { WRITABLE } from "../../../formats/mitm/target.ts";
import { versionIndex } from "../../../formats/mitm/versions.ts";

t.test("all of them can be read", async (t) => {
	t.same([...WRITABLE.keys()], [15, 17, 18, 20, 21]);
	for (const version of WRITABLE.keys()) t.doesNotThrow(() => versionIndex(version));
});
