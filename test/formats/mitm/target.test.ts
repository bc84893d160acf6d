// The versions that are written are among those that are read.
import t from "tap";
import { WRITABLE } from "../../../formats/mitm/target.ts";
import { versionIndex } from "../../../formats/mitm/versions.ts";

t.test("known versions", async (t) => {
	t.same([...WRITABLE.keys()], [15, 17, 18, 20, 21]);
	for (const version of WRITABLE.keys()) t.doesNotThrow(() => versionIndex(version));
});
