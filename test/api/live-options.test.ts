// The options of a recording proxy and of a replaying one.
import t from "tap";
import { REPLAY_PREFIX, recordOptions, replayOptions } from "../../api/live-options.ts";

t.test("defaults that differ", async (t) => {
	t.equal(recordOptions.server_replay_extra.default, "forward");
	t.equal(replayOptions.server_replay_extra.default, "404");
	t.ok(Object.keys(replayOptions).some((name) => name.startsWith(REPLAY_PREFIX)));
});
