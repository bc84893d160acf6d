// Notes on incomplete messages.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { noteIncomplete, ofRequest } from "../../../src/export/incomplete.ts";

const error = { message: "Client disconnected.", timestamp: 1 };
const cut = httpFlow({ error, request: { timestampEnd: null, body: "half" } });

t.test("only the requested messages", async (t) => {
	const noted = (...parts: ("request" | "response")[]) => {
		const notes: string[] = [];
		noteIncomplete(cut, parts, (note) => notes.push(note));
		return notes;
	};
	t.match(noted("request"), [/^its request is incomplete/]);
	t.match(noted("request", "response"), [
		/^its request is incomplete/,
		/^its response is incomplete: the client closed the connection early/,
	]);
});

t.test("a request that cannot be exported is not noted as incomplete", async (t) => {
	const notes: string[] = [];
	const note = (text: string) => notes.push(text);
	t.equal(ofRequest(({ method }) => method)(cut, note), "GET");
	t.equal(notes.length, 1);
	const refuse = () => {
		throw new Error("no");
	};
	t.throws(() => ofRequest(refuse)(cut, note), /no/);
	t.equal(notes.length, 1);
});
