// The options of `replayClient` are those of the command.
import t from "tap";
import { CLIENT_PREFIX, clientReplayOptions } from "../../api/client-options.ts";
import { command } from "../../commands/replay-client.ts";

t.test("the command has the same options", async (t) => {
	for (const name of ["to", `${CLIENT_PREFIX}concurrency`, "rate", "speed", "timeout", "correlate", "ignore"] as const)
		t.equal(clientReplayOptions[name], command.options[name], name);
});
