// The output of a path, with errors in the words of whoever named it.
import { join } from "node:path";
import t from "tap";
import { createSink } from "../../api/create-sink.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape } from "../../fixtures/tape-files.ts";

const report = () => {};

t.test("a version is for dumps", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "out.mitm");
	const sink = await createSink(path, { report, dumpVersion: 20 });
	await sink.append(httpFlow({ id: "one" }));
	await sink.close();
	t.match((await readTape(path)).flows, [{ id: "one" }]);
	await t.rejects(createSink(join(folder, "a.har"), { report, dumpVersion: 20, versionName: "--dump-version" }), {
		code: "FT_USAGE",
		message: /^--dump-version 20: expected a mitmproxy dump/,
	});
});
