// A suite of 200 tests for the comparison of test tools: each sends a request, while the tool that TOOL names records
// or replays.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { tools } from "./tools.mjs";

const { TOOL, MODE, FOLDER, HTTP } = process.env;
let stop;
before(async () => {
	stop = await tools[TOOL](MODE, FOLDER);
});
after(() => stop());
for (let item = 0; item < 200; item++)
	test(`item ${item}`, async () => {
		const response = await fetch(`${HTTP}/items/${item}`);
		assert.equal(response.status, 200);
		assert.match(await response.text(), new RegExp(`^/items/${item} `));
	});
