// The state that copies of the package share in a thread.
import t from "tap";
import { threadState } from "../../../integrations/test/thread-state.ts";

t.test("another copy of the module has the same state", async (t) => {
	const copy = (await import(
		`${new URL("../../../integrations/test/thread-state.js", import.meta.url).href}?copy`
	)) as {
		threadState: typeof threadState;
	};
	t.not(copy.threadState, threadState);
	t.equal(copy.threadState(), threadState());
	t.match(threadState(), { thread: null, defaults: {}, holder: null, stopWatching: null });
});
