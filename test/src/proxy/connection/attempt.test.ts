// The error of an attempt to connect.
import t from "tap";
import { upstreamFault } from "../../../../src/proxy/connection/attempt.ts";

t.test("it has a code, a message and its cause", async (t) => {
	const cause = new Error("ECONNREFUSED");
	t.match(upstreamFault("nobody listens", cause), { code: "FT_UPSTREAM", message: "nobody listens", cause });
});
