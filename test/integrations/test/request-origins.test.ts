// Where requests are made, for the stacks of errors.
import t from "tap";
import { captureStack, RequestOrigins, userFrames } from "../../../integrations/test/request-origins.ts";

t.test("the code that calls fetch", async (t) => {
	const origins = new RequestOrigins();
	origins.start();
	await fetch("http://127.0.0.1:9/refused").catch(() => {});
	await fetch("http://localhost:65534/refused?a=1").catch(() => {});
	origins.stop();
	await fetch("http://localhost:65533/after").catch(() => {});
	t.match(origins.framesOf("GET", "http://localhost:65534/refused?a=1"), /request-origins\.test\./);
	t.equal(origins.framesOf("POST", "http://localhost:65534/refused?a=1"), null, "another request");
	t.equal(origins.framesOf("GET", "http://localhost:65533/after"), null, "after the end");
});

t.test("frames of packages and of Node.js are left out", async (t) => {
	function entry() {
		return captureStack(entry).stack;
	}
	t.match(userFrames(entry())?.split("\n")[0], /request-origins\.test\./);
	t.equal(userFrames("Error: x\n    at node:internal/a:1:1\n    at f (/a/node_modules/b/c.js:1:1)"), null);
	t.equal(userFrames(undefined), null);
	t.equal(userFrames("Error: x\n    at f (/a/b.js:1:2)"), "    at f (/a/b.js:1:2)");
});
