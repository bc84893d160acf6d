// Limits the decoding of request bodies.
import { gzipSync } from "node:zlib";
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import { large } from "../../../../fixtures/large.ts";
import { recorded, sourceOf, tapeOf } from "../../../../fixtures/recordings.ts";
import { ReplayIndex } from "../../../../src/replay/recordings/index-of-tapes.ts";

const MIB = 1024 * 1024;

const coded = (path: string, content: Buffer | string, level = 6) => ({
	method: "POST",
	path,
	body: gzipSync(content, { level }),
	headers: [["Content-Encoding", "gzip"]] as [string, string][],
});

/** The text of the response, and the limit for decoding the body. */
function ask(index: ReplayIndex, request: ReturnType<typeof coded>): [answer: string | null, limit: number] {
	const flow = httpFlow({ request });
	return [index.takeRecording(flow)?.response.text ?? null, flow.request.decodedLimit];
}

t.test("the limit is higher if a recording of the request is coded too", large, async (t) => {
	const large = Buffer.alloc(3 * MIB, "large");
	const flows = [
		recorded("large", coded("/coded?x=1", large)),
		recorded("small", coded("/coded?x=1", "small")),
		recorded("plain", { method: "POST", path: "/plain", body: "plain" }),
		recorded("long", { method: "POST", path: "/plain", body: large }),
	];
	const sources = [sourceOf(flows), await tapeOf(`${t.testdir()}/x.tape`, flows)];
	for (const source of sources) {
		for (const values of [{}, { server_replay_match_content: "meaning" }] as const) {
			const index = await ReplayIndex.open([source], { ...values, server_replay_reuse: true });
			t.strictSame(
				ask(index, coded("/coded?x=1", large, 1)),
				["large", 16 * MIB],
				"different bytes with the same content",
			);
			t.strictSame(ask(index, coded("/coded?x=1", "small", 1)), ["small", MIB]);
			t.strictSame(
				ask(index, coded("/plain", "plain")),
				["plain", MIB],
				"small ones may be coded where the recording is not",
			);
			t.strictSame(ask(index, coded("/plain", large)), [null, 0], "a body that was not decoded is not decoded again");
			t.strictSame(ask(index, coded("/coded?x=1", Buffer.alloc(17 * MIB))), [null, 0]);
		}
	}
});
