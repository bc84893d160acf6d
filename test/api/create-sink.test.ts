// Opens an output; an error names the option as the caller does.
import { join } from "node:path";
import t from "tap";
import { createSink } from "../../api/create-sink.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape } from "../../fixtures/tape-files.ts";

const report = () => {};

t.test("only dumps have a version", async (t) => {
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
