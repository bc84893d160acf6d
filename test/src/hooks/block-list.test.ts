// Matching requests are answered with a status or aborted; matching stored flows are dropped.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { hookLog, runLive, runStored } from "../../../fixtures/run-hooks.ts";
import { createBlockList } from "../../../src/hooks/block-list.ts";

const create = (...block_list: string[]) => createBlockList({ block_list }, { now: () => 5 });
const image = () => httpFlow({ request: { path: "/a.PNG" } });

t.test("live: the status, its reason, no body", async (t) => {
	const flow = image();
	t.match(await runLive(await create("/~u png$/404"), flow), { kind: "answer", by: "block-list" });
	t.match(flow.response, {
		statusCode: 404,
		reason: "Not Found",
		headers: { fields: ["content-length", "0"] },
		timestampStart: 5,
	});
	t.equal(flow.metadata.blocklisted, true);
	const other = httpFlow();
	t.equal(await runLive(await create("/~u png$/404"), other), null);
	t.match(other.response, { statusCode: 200 });
	t.notOk("blocklisted" in other.metadata);
});

t.test("live: 444 closes the connection", async (t) => {
	const flow = image();
	t.match(await runLive(await create(":~u png: 444 "), flow), { kind: "abort", reason: "Connection killed." });
	t.equal(flow.response, null);
});

t.test("live: the last matching rule counts, but one that closes the connection takes precedence", async (t) => {
	for (const [rules, outcome] of [
		[["/png/404", "/png/403"], 403],
		[["/png/404", "/other/403"], 404],
		[["/png/404", "/~q & png/403"], 404],
		[["/png/404", "/~s & png/403"], 403],
		[["/png/404", "/png/444"], "abort"],
		[["/png/444", "/png/404"], "abort"],
		[["/png/444", "/png/444"], "abort"],
		[["/!png/418"], null],
	] as const) {
		const verdict = await runLive(await create(...rules), image());
		t.equal(
			verdict?.kind === "answer" ? verdict.response.statusCode : (verdict?.kind ?? null),
			outcome,
			rules.join(" "),
		);
	}
});

t.test("stored flows are dropped if request or response matches", async (t) => {
	for (const [rule, flow, isKept] of [
		["/png/404", image(), false],
		["/~q/404", image(), false],
		["/~c 500/444", httpFlow({ response: { statusCode: 500 } }), false],
		["/~c 500/444", httpFlow(), true],
		["/~e/404", httpFlow({ response: null, error: { message: "x", timestamp: 1 } }), false],
		["/~bs secret/404", httpFlow({ response: { body: "a secret" } }), false],
		["/~all & !png/404", image(), true],
	] as const) {
		const { changed, onChange } = hookLog();
		const hook = await createBlockList({ block_list: ["/nothing-here/404", rule] }, { onChange });
		t.equal((await runStored(hook, flow)) !== null, isKept, rule);
		t.same(changed, isKept ? [] : [rule]);
		t.notOk("blocklisted" in flow.metadata);
	}
});

t.test("the request body is needed only for filters that examine it", async (t) => {
	t.match(await create("/png/404", "/~bq x/404"), { needs: { request: "decides" } });
	t.match(await create("/png/404"), { needs: { request: false } });
	t.equal(await create(), null);
});

t.test("invalid rules", async (t) => {
	for (const [rule, code, message] of [
		["/png", "FT_BAD_OPTION", /"\/png": expected 2 parts/],
		["/a/b/404", "FT_BAD_OPTION", /expected a status from 200 to 999 in the second part, not "b\/404"/],
		["/png/", "FT_BAD_OPTION", /a status from 200 to 999/],
		["/png/99", "FT_BAD_OPTION", /a status/],
		["/png/1000", "FT_BAD_OPTION", /a status/],
		["/png/abc", "FT_BAD_OPTION", /a status/],
		["//404", "FT_BAD_FILTER", /./],
		["/~zz/404", "FT_BAD_FILTER", /~zz/],
	] as const)
		await t.rejects(create(rule), { code, message }, rule);
});
