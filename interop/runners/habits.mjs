// Suites with a test that passes when it is tried again, and a test with fake timers, and how people run a part of them.
// No recording of a test that ran may be unused.

const suite = (head, retries, timers) => `${head}
useTape({ failOn: ["miss", "unused"] });
const order = async () => (await (await fetch(process.env.API_URL + "/orders")).json()).number;
const twice = async () => {
	const first = await order();
	if ((await order()) !== first + 1) throw new Error("not in order");
};
let tries = 0;
test("one", twice);
test("two", ${retries}async () => {
	await twice();
	if (${retries === "" ? "false" : "true"} && ++tries < 2) throw new Error("flaky");
});
test("timers", async () => {
	${timers[0]};
	try {
		await twice();
	} finally {
		${timers[1]};
	}
});
`;

/** By project: the file, its text, and the arguments that select tests. */
export const habits = {
	"node-test": {
		file: "habits.test.mjs",
		source: suite('import { mock, test } from "node:test";\nimport { useTape } from "flowtape/test/node";', "", [
			"mock.timers.enable()",
			"mock.timers.reset()",
		]),
		runs: {
			"a name": ["--test-name-pattern=two"],
			coverage: ["--experimental-test-coverage"],
		},
	},
	vitest: {
		file: "habits.test.mjs",
		source: suite(
			'import { test, vi } from "vitest";\nimport { useTape } from "flowtape/test/vitest";',
			"{ retry: 2 }, ",
			["vi.useFakeTimers()", "vi.useRealTimers()"],
		),
		runs: {
			"a name": ["-t", "two"],
			"shuffled order": ["--sequence.shuffle"],
			"a shard": ["--shard=1/2"],
			"another shard": ["--shard=2/2"],
		},
	},
	jest: {
		file: "habits.test.js",
		source: suite('const { useTape } = require("flowtape/test/jest");\njest.retryTimes(2);', "", [
			"jest.useFakeTimers()",
			"jest.useRealTimers()",
		]).replace("if (false", "if (true"),
		runs: {
			"a name": ["-t", "two"],
			"shuffled order": ["--randomize"],
			"a shard": ["--shard=1/2"],
			"another shard": ["--shard=2/2"],
			coverage: ["--coverage"],
		},
	},
};
