// The error of a test, and its code.
import { inspect } from "node:util";
import t from "tap";
import { TapeError } from "../../../integrations/test/tape-error.ts";

t.test("code and misses", async (t) => {
	const miss = { method: "GET", url: "http://a.test/", explanation: "", nearest: null };
	const error = new TapeError("miss", "text", [miss]);
	t.match(error, { name: "TapeError", code: "FT_MISS", message: "text", misses: [miss] });
	t.notMatch(inspect(error), "a.test", "the misses are not printed again");
	t.equal(new TapeError("unused", "").code, "FT_UNUSED");
	t.equal(new TapeError("egress", "").code, "FT_EGRESS");
});
