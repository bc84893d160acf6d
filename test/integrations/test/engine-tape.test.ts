// A tape in the engine, without its thread.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { engineSetup } from "../../../fixtures/engine-setup.ts";
import { ownTemporaryFolder } from "../../../fixtures/own-temporary-folder.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";
import { EngineTape } from "../../../integrations/test/engine-tape.ts";
import { inMemoryAuthority } from "../../../src/ca/authority.ts";

t.test("a tape is opened and ejected, and leaves no file behind", async (t) => {
	const temporary = ownTemporaryFolder(t);
	const tape = join(t.testdir(), "a.tape");
	await writeTape(tape, [httpFlow()]);
	const opened = await EngineTape.open(1, engineSetup(tape), () => {});
	t.match(await opened.start(await inMemoryAuthority()), {
		exists: true,
		isRecording: false,
		recordedAt: 1_700_000_000_100,
	});
	const env = await opened.env({ A: "1" });
	t.match(env, { A: "1", NODE_EXTRA_CA_CERTS: /flowtape/ });
	t.equal(temporary().length, 1, "the certificate is for child processes");
	t.match(await opened.eject({ keeps: true, values: new Map(), isWhole: true }), {
		report: { served: 0, unused: 1 },
		unused: ["GET http://example.com/"],
		open: [],
	});
	t.same(temporary(), []);
	t.same(readdirSync(t.testdirName), ["a.tape"]);
});

t.test("recording keeps no draft if it cannot start", async (t) => {
	const tape = join(t.testdir(), "a.tape");
	const setup = { ...engineSetup(tape), mode: "once", match: { order: "odd" as "once" } };
	const opened = await EngineTape.open(1, setup, () => {});
	await t.rejects(opened.start(await inMemoryAuthority()), { code: "FT_BAD_OPTION" });
	t.same(readdirSync(t.testdirName), []);
});
