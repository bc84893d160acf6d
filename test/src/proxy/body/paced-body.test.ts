// A body that is sent in timed pieces.
import t from "tap";
import { PacedBody } from "../../../../src/proxy/body/paced-body.ts";

function play(pieces: [afterMs: number, text: string][]) {
	const reported: string[] = [];
	const started = performance.now();
	const times: number[] = [];
	let paced: PacedBody | null = null;
	const ended = new Promise<void>((resolve) => {
		paced = new PacedBody(
			pieces.map(([afterMs, text]) => ({ afterMs, bytes: Buffer.from(text) })),
			{
				piece(bytes) {
					reported.push(bytes.toString());
					times.push(performance.now() - started);
				},
				end: () => {
					reported.push("end");
					resolve();
				},
				flush: () => reported.push("flush"),
			},
		);
	});
	return { reported, times, ended, paced: paced as unknown as PacedBody };
}

t.test("each piece at its time, then the end", async (t) => {
	const { reported, times, ended } = play([
		[0, "a"],
		[60, "b"],
		[60, "c"],
	]);
	await ended;
	await new Promise(setImmediate);
	t.same(reported, ["a", "flush", "b", "flush", "c", "flush", "end", "flush"]);
	t.ok((times[1] as number) >= 59 && (times[2] as number) >= 118, `${times}`);
});

t.test("it waits for a paused receiver", async (t) => {
	const { reported, ended, paced } = play([
		[0, "a"],
		[0, "b"],
	]);
	paced.pause();
	await new Promise((resolve) => setTimeout(resolve, 30));
	t.same(reported, ["a", "flush"], "what was on its way");
	paced.resume();
	paced.resume();
	await ended;
	t.same(
		reported.filter((word) => word !== "flush"),
		["a", "b", "end"],
	);
});

t.test("nothing more after cancel", async (t) => {
	const { reported, paced } = play([
		[0, "a"],
		[10, "b"],
	]);
	paced.cancel();
	paced.pause();
	paced.resume();
	await new Promise((resolve) => setTimeout(resolve, 40));
	t.same(reported, []);
});
