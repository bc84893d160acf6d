// Flows of two recordings are paired.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { align } from "../../../src/compare/align.ts";
import { defaultRequestKey } from "../../../src/replay/match/key.ts";

const flow = (path: string, id: string) => httpFlow({ id, request: { path } });

t.test("pairs equal requests in order, then those with the same method and path", async (t) => {
	const { pairs, removed, added } = align(
		[flow("/a", "1"), flow("/b", "2"), flow("/a", "3"), flow("/q?x=1", "4"), flow("/gone", "5")],
		[flow("/a", "6"), flow("/q?x=2", "7"), flow("/a", "8"), flow("/new", "9"), flow("/b", "10"), flow("/a", "11")],
		defaultRequestKey,
	);
	t.same(
		pairs.map(({ before, after }) => `${before.id} ${after.id}`),
		["1 6", "3 8", "2 10", "4 7"],
	);
	t.same(
		removed.map(({ id }) => id),
		["5"],
	);
	t.same(
		added.map(({ id }) => id),
		["9", "11"],
	);
});
