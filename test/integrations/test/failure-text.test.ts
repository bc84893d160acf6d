// The messages that a failing test shows.
import { resolve } from "node:path";
import t from "tap";
import {
	failuresText,
	lateText,
	missesText,
	openText,
	replacedText,
	tapeLines,
	unusedText,
} from "../../../integrations/test/failure-text.ts";

const context = {
	test: "users > creates",
	file: resolve("test/users.test.ts"),
	tape: resolve("test/__tapes__/users.tape"),
	exists: true,
	runner: "jest",
} as const;
const miss = {
	method: "GET",
	url: "http://a.test/",
	explanation: "No recording answers GET http://a.test/\n",
	nearest: [],
};

t.test("misses", async (t) => {
	t.equal(
		missesText([miss], context),
		`users > creates: 1 request has no recording

No recording answers GET http://a.test/

tape: test/__tapes__/users.tape
record what is missing: FLOWTAPE_RECORD_MODE=new-episodes npx jest test/users.test.ts`,
	);
	t.match(missesText([miss, miss], context), /^users > creates: 2 requests have no recording\n/);
});

t.test("a missing tape is recorded once, by the runner's own command", async (t) => {
	for (const [runner, command] of [
		["vitest", "npx vitest run test/users.test.ts"],
		["node", "node --test test/users.test.ts"],
		["tap", "npx tap test/users.test.ts"],
		[null, "…"],
	] as const)
		t.equal(
			tapeLines({ ...context, exists: false, runner }),
			`tape: test/__tapes__/users.tape (there is no such file)\nrecord it: FLOWTAPE_RECORD_MODE=once ${command}`,
		);
});

t.test("unused recordings", async (t) => {
	const text = unusedText(["GET http://a.test/"], context);
	t.match(text, /^test\/users\.test\.ts: 1 recording was never used\n {2}GET http:\/\/a\.test\/\n/);
	t.match(text, /record everything again: FLOWTAPE_RECORD_MODE=all npx jest/);
	t.match(
		unusedText(Array(30).fill("GET http://a.test/"), context),
		/: 30 recordings were never used\n[\s\S]*and 10 more\n/,
	);
});

t.test("warnings", async (t) => {
	t.match(openText(["GET http://a.test/"], "a"), /^a: 1 request was open when the tape was ejected/);
	t.match(openText(["GET http://a.test/", "GET http://b.test/"], "a"), /2 requests were open[\s\S]*b\.test/);
	t.match(
		failuresText(
			new Map([
				["a.test answered 500", 1],
				["b.test answered 503", 2],
			]),
			context.tape,
		),
		/not recorded to test\/__tapes__\/users\.tape; the option recordFailures keeps them:\n {2}a\.test answered 500\n {2}b\.test answered 503 \(2 times\)$/,
	);
	t.match(
		lateText("GET http://a.test/", "    at a.js:1:2", "a"),
		/^a: .* went to the network: GET http:\/\/a\.test\/\n {4}at a\.js/,
	);
	t.match(replacedText(["net.Socket.prototype.connect"]), /patched net\.Socket\.prototype\.connect while/);
});
