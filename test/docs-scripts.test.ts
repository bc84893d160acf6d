// The scripts that docs/scripts.md shows, each run on flows.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { httpFlow } from "../fixtures/build-flow.ts";
import { Pipeline } from "../src/hooks/pipeline.ts";
import { ScriptHost } from "../src/scripts/script-host.ts";

const page = readFileSync("docs/scripts.md", "utf8");
const scripts = [...page.matchAll(/\n([^\n]*)\n\n```js\n([\s\S]*?)```/g)].map(([, title = "", code = ""]) => ({
	title,
	code,
}));
const library = pathToFileURL(join(process.cwd(), "dist/index.js")).href;

t.ok(scripts.length >= 7);

for (const { title, code } of scripts) {
	t.test(title, async (t) => {
		const file = join(t.testdir(), "script.mjs");
		writeFileSync(file, code.replace('from "flowtape"', `from ${JSON.stringify(library)}`));
		const host = await ScriptHost.load([file]);
		const errors: string[] = [];
		host.log = (level, message) => level === "error" && errors.push(message);
		await host.start({ only_host: "example.com" });
		const pipeline = new Pipeline(host.hooks);
		const flows = [
			httpFlow({ request: { host: "ads.example" } }),
			httpFlow({ response: { headers: [["Content-Type", "application/json"]], body: "{}" } }),
			httpFlow({
				websocket: {
					messages: ["ping", "abc"].map((text) => ({
						opcode: 1,
						fromClient: true,
						content: Buffer.from(text),
						timestamp: 1,
						dropped: false,
						injected: false,
					})),
					closedByClient: true,
					closeCode: 1000,
					closeReason: "",
					timestampEnd: 1,
				},
			}),
		];
		for (const flow of flows) await pipeline.runStored(flow);
		await pipeline.close();
		t.same(errors, []);
	});
}

t.test("they do what the page says", async (t) => {
	const hostOf = async (part: string) => {
		const file = join(t.testdir(), `${part.length}.mjs`);
		writeFileSync(
			file,
			(scripts.find(({ code }) => code.includes(part))?.code ?? "").replace(
				'from "flowtape"',
				`from ${JSON.stringify(library)}`,
			),
		);
		const host = await ScriptHost.load([file]);
		await host.start({ only_host: "example.com" });
		return host;
	};
	const hookOf = async (part: string) => (await hostOf(part)).hooks[0];
	const run = async (part: string, flow = httpFlow()) => {
		await new Pipeline((await hostOf(part)).hooks).runStored(flow);
		return flow;
	};
	t.equal((await run("x-from")).request.headers.get("x-from"), "flowtape");
	t.equal(
		(await run("ads.example", httpFlow({ request: { host: "ads.example", headers: [] } }))).response?.statusCode,
		204,
	);
	const flow = httpFlow({
		response: { headers: [["Content-Type", "application/json"]], body: '{"address":"2 Side Street"}' },
	});
	await run("address", flow);
	t.match(flow.response?.text, "2 Side Street", "the client gets it");
	await (await hookOf("address"))?.recorded?.(flow);
	t.equal(flow.response?.text, '{"address":"1 Main Street"}');
	t.equal(
		(await run("changed", httpFlow({ response: { headers: [["Content-Type", "application/json"]], body: "{}" } })))
			.response?.text,
		'{"changed":1}',
	);
	t.equal((await run("only_host")).marked, ":default:");
});
