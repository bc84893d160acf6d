// Detects the kind of a HAR by its first bytes.
import t from "tap";
import { kindOf } from "../../../formats/har/kind.ts";

const of = (text: string) => kindOf(Buffer.from(text));

t.test("kinds", async (t) => {
	t.equal(of('\ufeff\n{ "log" : {'), "log");
	t.equal(of('onInputData({"log": {'), "log");
	t.equal(of('{"_note":"x","log":{"version":"1.2"'), "log");
	t.equal(of('{"_notes":[{"a":"}"}],"log":{"_id":1,"creator":{}'), "log");
	t.equal(of("PK\x03\x04"), "zip");
	t.equal(of('{"_initiator":{},"startedDateTime":"2024"'), "lines");
	t.equal(of('{"request":{"method":"GET","url":"http://a/","queryString":[]'), "lines");
});

t.test("other files", async (t) => {
	for (const text of [
		'{"id":1}',
		'{"request":{"method":"GET","url":"http://a/"}}',
		'{"request":{},"metadata":{"har":{"page":{"startedDateTime":"x"}}}}',
		'{"request":{},"metadata":{"har":{"log":{"browser":{"name":"x"}}}}}',
		'{"request":{},"comment":"{\\"log\\":{\\"version\\":1}"}',
		"PK",
		"[]",
		"",
	])
		t.equal(of(text), null, text);
});
