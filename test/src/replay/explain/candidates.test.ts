// Selects the recordings that are compared with a miss.
import t from "tap";
import { httpRequest } from "../../../../fixtures/build-flow.ts";
import { indexOf, recorded } from "../../../../fixtures/recordings.ts";
import type { Flow } from "../../../../src/flow/flow.ts";
import { Candidates } from "../../../../src/replay/explain/candidates.ts";

async function neighbours(flows: readonly Flow[]): Promise<Candidates> {
	const found = new Candidates(await indexOf(flows));
	await found.ready();
	return found;
}

t.test("by path, folder and last segment, anywhere on a long tape, without duplicates", async (t) => {
	const many = Array.from({ length: 5000 }, (_, i) =>
		recorded("", { path: `/filler/${i % 10}/${i}`, host: "filler.test" }),
	);
	const near = [
		recorded("", { path: "/v1/users?x=1", method: "DELETE", host: "elsewhere.test" }),
		recorded("", { path: "/v1/user" }),
		recorded("", { path: "/v2/users" }),
		recorded("", { path: "/v1/users" }),
	];
	const found = (await neighbours([...many, ...near])).candidatesFor(httpRequest({ path: "/v1/users" }));
	const ids = found.map(({ flow }) => flow.id);
	t.equal(ids[0], near[3]?.id, "the one with the same key first");
	for (const { id } of near) t.equal(ids.filter((each) => each === id).length, 1);
});

t.test("their number is bounded", async (t) => {
	const same = Array.from({ length: 3000 }, (_, i) => recorded("", { path: "/graphql", method: "POST", body: `${i}` }));
	const found = (await neighbours(same)).candidatesFor(httpRequest({ path: "/graphql", method: "POST", body: "x" }));
	t.ok(found.length > 10 && found.length <= 100, `${found.length}`);
});

t.test("the first recordings if none is near", async (t) => {
	const found = (await neighbours([recorded("", { path: "/a/b", host: "one.test" })])).candidatesFor(
		httpRequest({ path: "/x/y/z", host: "two.test" }),
	);
	t.equal(found.length, 1);
	t.same((await neighbours([])).candidatesFor(httpRequest()), []);
});
