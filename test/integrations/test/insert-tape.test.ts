// `insertTape` and `setup`, for tests without hooks.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import { insertTape, setup } from "../../../integrations/test/insert-tape.ts";

t.test("a tape in a block", async (t) => {
	const file = join(t.testdir({ tapes: {} }), "users.test.js");
	await writeTape(join(t.testdirName, "tapes/users.tape"), [
		httpFlow({ request: { host: "a.test", headers: [["Host", "a.test"]] }, response: { body: "hello" } }),
	]);
	setup({ dir: "tapes", mode: "none" });
	t.teardown(() => setup({}));
	{
		await using tape = await insertTape({ file, name: "a" });
		t.equal(tape.path, join(t.testdirName, "tapes/users.tape"));
		t.equal(await (await fetch("http://a.test/")).text(), "hello");
	}
	await t.rejects(
		(async () => {
			await using tape = await insertTape({ file, name: "a" }, { match: { ignoreParams: ["x"] } });
			await fetch(`http://a.test/${tape.misses.length}`);
		})(),
		{ code: "FT_MISS", message: /^a: 1 request has no recording/ },
	);
	const tape = await insertTape({ file, name: "b" }, { tape: "other.tape" });
	t.equal(tape.path, join(t.testdirName, "tapes/other.tape"));
	t.match(await tape.eject(), { served: 0 });
	t.equal(await tape.eject(), await tape.eject());
});
