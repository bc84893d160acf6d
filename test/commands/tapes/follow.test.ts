// Flows are printed as they are appended, by the built command line.
import { join } from "node:path";
import t from "tap";
import { bareSqlite } from "../../../fixtures/bare-sqlite.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { Cli } from "../../../fixtures/cli.ts";
import { storeAt, storeWith } from "../../../fixtures/stores.ts";
import { writeTape } from "../../../fixtures/tape-files.ts";

const failed = (path: string) => httpFlow({ request: { path }, response: { statusCode: 500 } });

t.test("filter --follow prints the flows that match, also new ones", async (t) => {
	const cwd = t.testdir();
	const path = join(cwd, "a.tape");
	await storeWith(path, [httpFlow({ request: { path: "/fine" } }), failed("/first")]);
	const cli = new Cli(["filter", "~c 500", "a.tape", "--follow"], { cwd });
	t.teardown(() => cli.process.kill("SIGKILL"));
	t.match(await cli.line(/first/), /GET http:\/\/example\.com\/first 500/);
	const store = storeAt(path, "append");
	store.append(httpFlow({ request: { path: "/fine-too" } }));
	store.append(failed("/second"));
	store.flush();
	await cli.line(/second/);
	store.append(failed("/third"));
	await store.close();
	await cli.line(/third/);
	cli.process.kill("SIGINT");
	const { status, out } = await cli.ended;
	t.equal(status, 0);
	t.equal(out.trim().split("\n").length, 3, "each flow once");
});

t.test("show --watch prints all flows, and --limit ends a filter", async (t) => {
	const cwd = t.testdir();
	await storeWith(join(cwd, "a.tape"), [failed("/one"), failed("/two")]);
	const cli = new Cli(["show", "a.tape", "--watch", "--json"], { cwd });
	t.teardown(() => cli.process.kill("SIGKILL"));
	t.match(JSON.parse(await cli.line(/two/)), { request: { url: "http://example.com/two" } });
	cli.process.kill("SIGTERM");
	t.equal((await cli.ended).status, 0);
	const limited = await new Cli(["filter", "~all", "a.tape", "--follow", "--limit", "1"], { cwd }).ended;
	t.match(limited, { status: 0, out: /\/one/ });
	t.notMatch(limited.out, /two/);
});

t.test("a damaged flow is told and left out", async (t) => {
	const cwd = t.testdir();
	const path = join(cwd, "a.tape");
	await storeWith(path, [failed("/one"), failed("/two"), failed("/three")]);
	const db = bareSqlite(path);
	db.exec("UPDATE flow SET head = x'00' WHERE seq = 2");
	db.close();
	const follow = ["filter", "~all", "a.tape", "--follow", "--limit", "2"];
	const { status, out, err } = await new Cli(follow, { cwd }).ended;
	t.equal(status, 3);
	t.match(out, /\/one.*\/three/s);
	t.match(err, /flow 2: its record cannot be decoded/);
	t.match(await new Cli([...follow, "--strict"], { cwd }).ended, { status: 3, out: /\/one[^\n]*\n$/ });
});

t.test("wrong use", async (t) => {
	const cwd = t.testdir();
	await writeTape(join(cwd, "a.har"), [failed("/one")]);
	await storeWith(join(cwd, "a.tape"), []);
	for (const [argv, status, err] of [
		[["filter", "~all", "a.har", "--follow"], 2, /--follow needs a \.tape, found har: a\.har/],
		[["filter", "~all", "a.tape", "a.tape", "--follow"], 2, /--follow follows one tape/],
		[["filter", "~all", "a.tape", "--follow", "-o", "b.tape"], 2, /--follow and -o/],
		[["filter", "~all", "--follow"], 2, /--follow follows one tape/],
		[["show", "a.tape", "3f", "--watch"], 2, /--watch prints a line for each flow/],
		[["show", "missing.tape", "--watch"], 4, /missing\.tape/],
	] as const)
		t.match(await new Cli(argv, { cwd }).ended, { status, out: "", err }, argv.join(" "));
});
