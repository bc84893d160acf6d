import t from "tap";
import { detached } from "../../../src/redact/detached.ts";

t.test("the same bytes", async (t) => {
	for (const text of ["", "abc", "\u00e9\u00ff\0", "x".repeat(10_000)]) t.equal(detached(text), text);
});
