// The built command: the link, the page, and the end by a signal.
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { Cli } from "../../fixtures/cli.ts";
import { writeTape } from "../../fixtures/tape-files.ts";
import { send } from "../../fixtures/viewer.ts";

t.test("the page of a tape", async (t) => {
	const cwd = t.testdir();
	await writeTape(join(cwd, "a.har"), [httpFlow({}), httpFlow({ response: { statusCode: 500 } })]);
	const cli = new Cli(["view", "a.har", "--filter", "~c 500", "--json"], { cwd });
	t.teardown(() => cli.process.kill("SIGKILL"));
	const { event, url } = JSON.parse(await cli.line(/viewing/)) as { event: string; url: string };
	t.equal(event, "viewing");
	const { port, hash } = new URL(url);
	const token = /token=(.*)/.exec(hash)?.[1] ?? "";
	t.match(hash, "q=%7Ec+500", "the page begins with the filter");
	const headers = { Authorization: `Bearer ${token}` };
	const page = await send(Number(port), "GET", "/", null, {});
	t.match(page, { status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
	for (const file of ["page.js", "page-style.css"]) {
		t.match(page.bytes.toString(), file);
		t.equal((await send(Number(port), "GET", `/${file}`, null, {})).status, 200, file);
	}
	t.equal((await send(Number(port), "GET", "/api/v1/tape", null, headers)).json.total, 2);
	cli.process.kill("SIGINT");
	t.match(await cli.ended, { status: 0, err: "" });
	await t.rejects(send(Number(port), "GET", "/", null, {}), { code: "ECONNREFUSED" });
});

t.test("wrong use", async (t) => {
	const cwd = t.testdir();
	await writeTape(join(cwd, "a.tape"), [httpFlow({})]);
	for (const [argv, status, err] of [
		[["view"], 2, /TAPE/],
		[["view", "missing.tape"], 4, /missing\.tape: no such file/],
		[["view", "a.tape", "--filter", "~zz"], 2, /~zz/],
		[["view", "a.tape", "-p", "70000"], 2, /-p: expected a whole number/],
	] as const)
		t.match(await new Cli(argv, { cwd }).ended, { status, out: "", err }, argv.join(" "));
});
