// Responses derived from a recorded one.
import t from "tap";
import { httpFlow } from "../../../../fixtures/build-flow.ts";
import type { Response } from "../../../../src/flow/message.ts";
import {
	completeResponse,
	partFrom,
	partialResponse,
	unsatisfiableResponse,
} from "../../../../src/replay/answer/derive-response.ts";

const recorded = httpFlow({
	response: {
		headers: [
			["Content-Type", "text/plain"],
			["Transfer-Encoding", "chunked"],
			["Content-MD5", "x"],
		],
		body: "0123456789",
	},
}).response as Response;
const reported = ({ statusCode, reason, headers, text }: Response) => [
	statusCode,
	reason,
	headers.fields.join("|"),
	text,
];

t.test("partial, unsatisfiable and complete responses", async (t) => {
	const head = "Content-Type|text/plain";
	t.same(reported(partFrom(recorded, { from: 12, to: 15 }, 15, 20, 10)), [
		206,
		"Partial Content",
		`${head}|content-length|3|content-range|bytes 12-14/20`,
		"234",
	]);
	t.same(reported(partFrom(recorded, { from: 18, to: 25 }, 20, null, 10)), [
		206,
		"Partial Content",
		`${head}|content-length|7|content-range|bytes 18-24/*`,
		"89",
	]);
	const part = partialResponse(recorded, Buffer.from("abc"), { from: 0, to: 3 }, 20);
	t.same(reported(part), [206, "Partial Content", `${head}|content-length|3|content-range|bytes 0-2/20`, "abc"]);
	t.same(reported(completeResponse(part)), [200, "OK", `${head}|content-length|3`, "abc"]);
	t.same(reported(completeResponse(part, Buffer.from("abcd"))), [200, "OK", `${head}|content-length|4`, "abcd"]);
	t.same(reported(unsatisfiableResponse(recorded, 20)), [
		416,
		"Range Not Satisfiable",
		"Content-MD5|x|content-length|0|content-range|bytes */20",
		"",
	]);
	t.equal(recorded.headers.has("transfer-encoding"), true, "the recorded one stays as it is");
});
