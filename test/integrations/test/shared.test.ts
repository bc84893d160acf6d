// The state that copies of the package share in a thread.
import t from "tap";
import { shared } from "../../../integrations/test/shared.ts";

t.test("another copy of the module has the same state", async (t) => {
	const copy = (await import(`${new URL("../../../integrations/test/shared.js", import.meta.url).href}?copy`)) as {
		shared: typeof shared;
	};
	t.not(copy.shared, shared);
	t.equal(copy.shared(), shared());
	t.match(shared(), { thread: null, defaults: {}, holder: null });
});
