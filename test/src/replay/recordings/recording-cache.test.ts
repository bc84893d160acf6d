// The cache of recordings.
import t from "tap";
import { httpResponse } from "../../../../fixtures/build-flow.ts";
import { large } from "../../../../fixtures/large.ts";
import type { BodySource } from "../../../../src/flow/body.ts";
import { Recording } from "../../../../src/replay/answer/recording.ts";
import { RecordingCache } from "../../../../src/replay/recordings/recording-cache.ts";

/** A body on a disk that counts how often it is read. */
function sourceOf(size: number): BodySource & { reads: number } {
	const source = {
		reads: 0,
		size,
		read() {
			source.reads++;
			return Buffer.alloc(size, "x");
		},
		chunks: () => [Buffer.alloc(size, "x")],
	};
	return source;
}

const recording = (body: BodySource, path = "/") =>
	new Recording({
		id: path,
		response: httpResponse({
			body,
			headers: [
				["content-type", "text/plain"],
				["x-long", "y".repeat(500)],
			],
		}),
	});

t.test("a small body is read once, a large one stays on disk", (t) => {
	const cache = new RecordingCache();
	const [small, large, empty] = [sourceOf(1000), sourceOf(1_000_000), sourceOf(0)];
	cache.set("small", recording(small));
	cache.set("large", recording(large));
	cache.set("empty", recording(empty));
	for (let i = 0; i < 3; i++) {
		const answer = cache.get("small")?.answer(0, null);
		t.equal(answer?.text, "x".repeat(1000));
		t.equal(answer?.headers.get("x-long"), "y".repeat(500));
	}
	t.equal(small.reads, 1);
	t.equal(large.reads, 0);
	t.equal(cache.get("large")?.answer(0, null).bodySize, 1_000_000);
	t.equal(cache.get("empty")?.answer(0, null).bodySize, 0);
	t.equal(cache.get("other"), undefined);
	t.end();
});

t.test("the oldest recordings are evicted", large, (t) => {
	const cache = new RecordingCache();
	const count = 6000;
	for (let i = 0; i < count; i++) cache.set(String(i), recording(sourceOf(60_000), String(i)));
	t.equal(cache.get("0"), undefined);
	t.equal(cache.get(String(count - 1))?.id, String(count - 1));
	let kept = 0;
	for (let i = 0; i < count; i++) if (cache.get(String(i)) !== undefined) kept++;
	t.ok(kept * 60_000 <= 256 * 1024 * 1024 && kept * 62_000 > 250 * 1024 * 1024, `${kept} kept`);
	t.end();
});
