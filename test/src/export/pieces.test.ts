// Exported bytes in pieces: few are written at once, and large bodies are not read whole.
import t from "tap";
import { piecesOf } from "../../../src/export/pieces.ts";
import type { BodySource } from "../../../src/flow/body.ts";

const MIB = 1024 * 1024;

/** A stored body that is too large to be read whole. */
function stored(chunks: readonly Buffer[]): BodySource {
	return {
		size: chunks.reduce((sum, { length }) => sum + length, 0),
		read: () => {
			throw new Error("read whole");
		},
		chunks: () => chunks,
	};
}

t.test("few bytes are one piece", async (t) => {
	const exported = [Buffer.from("head "), stored([Buffer.from("a"), Buffer.from("b")]), Buffer.from(" end")];
	t.same([...piecesOf(exported)].map(String), ["head ab end"]);
	t.same(Buffer.concat([...piecesOf([])]).length, 0);
});

t.test("a large body goes out in its own chunks", async (t) => {
	const chunks = [Buffer.alloc(MIB, "a"), Buffer.from("b")];
	const head = Buffer.from("head");
	const pieces = [...piecesOf([head, stored(chunks)])];
	t.equal(pieces.length, 3);
	t.ok(pieces.every((piece, i) => piece === [head, ...chunks][i]));
});
