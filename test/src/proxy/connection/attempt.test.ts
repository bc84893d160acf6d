// The error of a server that cannot be asked.
import t from "tap";
import { upstreamFault } from "../../../../src/proxy/connection/attempt.ts";

t.test("its code says where the trouble is, and its cause is kept", async (t) => {
	const cause = new Error("ECONNREFUSED");
	t.match(upstreamFault("nobody listens", cause), { code: "FT_UPSTREAM", message: "nobody listens", cause });
});
