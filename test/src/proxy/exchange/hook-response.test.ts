// A hook's response and its timing.
import t from "tap";
import { httpResponse } from "../../../../fixtures/build-flow.ts";
import type { Delivery } from "../../../../src/hooks/decision.ts";
import { HookResponse } from "../../../../src/proxy/exchange/hook-response.ts";

const given = (delivery: Delivery | null) =>
	new HookResponse({ kind: "answer", by: "test", response: httpResponse(), delivery, cached: null });
const piece = (text: string, afterMs = 0) => ({ bytes: Buffer.from(text), afterMs });

t.test("by default it is sent at once and whole", async (t) => {
	for (const delivery of [null, {}, { waitMs: 0 }]) {
		const answer = given(delivery);
		t.equal(
			answer.startDelay(() => t.fail("there is nothing to wait for")),
			false,
		);
		t.strictSame([answer.pieces, answer.websocket], [null, null]);
		answer.pause();
		answer.resume();
		answer.cancel();
	}
});

t.test("after a delay, with the time of sending", async (t) => {
	const answer = given({ waitMs: 30 });
	const began = Date.now() / 1000;
	await new Promise<void>((resolve) => t.equal(answer.startDelay(resolve), true));
	t.ok(answer.response.timestampStart >= began + 0.025, `${answer.response.timestampStart - began}`);
	t.equal(answer.response.timestampEnd, answer.response.timestampStart);
});

t.test("in pieces, paused while the client accepts no more", async (t) => {
	const pieces = [piece("a"), piece("b", 1), piece("c", 1)];
	const answer = given({ pieces });
	const got: string[] = [];
	await new Promise<void>((resolve) => {
		answer.play(answer.pieces ?? [], {
			piece(bytes) {
				got.push(bytes.toString());
				if (got.length > 1) return;
				answer.pause();
				setTimeout(() => {
					t.strictSame(got, ["a"]);
					answer.resume();
				}, 20);
			},
			end: resolve,
			flush: () => {},
		});
	});
	t.strictSame(got, ["a", "b", "c"]);
});

t.test("nothing more after cancel", async (t) => {
	const waiting = given({ waitMs: 5 });
	const playing = given({ pieces: [piece("a", 5)] });
	waiting.startDelay(() => t.fail("it was given up"));
	const reported = () => t.fail("it was given up");
	playing.play(playing.pieces ?? [], { piece: reported, end: reported, flush: reported });
	waiting.cancel();
	playing.cancel();
	await new Promise((resolve) => setTimeout(resolve, 30));
});
