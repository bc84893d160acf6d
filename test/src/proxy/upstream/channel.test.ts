// The error of a reset stream.
import t from "tap";
import { upstreamFault } from "../../../../src/proxy/connection/attempt.ts";
import { UpstreamReset } from "../../../../src/proxy/upstream/channel.ts";

t.test("the error has its code, its message and its cause", async (t) => {
	const cause = new Error("deeper");
	t.match(upstreamFault("the server went away", cause), {
		code: "FT_UPSTREAM",
		message: "the server went away",
		cause,
	});
	t.match(new UpstreamReset(8, "the server reset the stream", cause), {
		code: "FT_UPSTREAM",
		reset: 8,
		message: "the server reset the stream",
		cause,
	});
});
