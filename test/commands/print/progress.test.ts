// The progress bar is drawn on a terminal after a second, and erased at the end.
import t from "tap";
import { Progress, progressLine } from "../../../commands/print/progress.ts";
import { FlowSource } from "../../../src/flow/source.ts";

function sourceAt(done: number, total: number | null): FlowSource {
	return Object.assign(
		FlowSource.of(async function* () {}),
		{ progress: () => ({ done, total }) },
	);
}

function drawn(isTTY: boolean, sources: readonly FlowSource[], times: readonly number[]): string[] {
	const list: string[] = [];
	let now = 0;
	const progress = new Progress({ isTTY, write: (text) => list.push(String(text)) }, sources, () => now);
	for (const time of times) {
		now = time;
		progress.update(1234);
	}
	progress.clear();
	progress.clear();
	return list;
}

t.test("text", async (t) => {
	const mega = 1024 * 1024;
	t.equal(
		progressLine({ flows: 12_345, done: 25 * mega, total: 100 * mega, seconds: 5 }),
		"[#####---------------] 25% 12,345 flows, 25m of 100m, 5m/s, 15s left",
	);
	t.equal(
		progressLine({ flows: 1, done: 100 * mega, total: 100 * mega, seconds: 4 }),
		"[####################] 100% 1 flows, 100m of 100m, 25m/s",
	);
	t.equal(progressLine({ flows: 5, done: 2 * mega, total: null, seconds: 2 }), "5 flows, 2m, 1m/s");
	t.equal(progressLine({ flows: 5, done: 0, total: 10, seconds: 2 }), "5 flows");
	t.match(progressLine({ flows: 5, done: mega, total: 1000 * mega, seconds: 1 }), /16m39s left$/);
});

t.test("when", async (t) => {
	t.same(drawn(true, [sourceAt(1, 2)], [0, 500, 999]), [], "no bar in the first second");
	t.same(drawn(false, [sourceAt(1, 2)], [0, 5000]), [], "no bar without a terminal");
	const list = drawn(true, [sourceAt(512, 1024), sourceAt(0, 1024)], [0, 1000, 1050, 1100]);
	t.equal(list.length, 3, "ten times a second, and erased at the end");
	t.match(list[0], "[#####---------------] 25% 1,234 flows, 512b of 2k, 512b/s, 3s left\u001b[K\r");
	t.equal(list[2], "\u001b[K\r");
	t.match(drawn(true, [sourceAt(512, 1024), sourceAt(1, null)], [1000])[0], /^1,234 flows, 513b, 513b\/s/);
	t.match(drawn(true, [FlowSource.of(async function* () {})], [2000])[0], "1,234 flows\u001b[K");
});
