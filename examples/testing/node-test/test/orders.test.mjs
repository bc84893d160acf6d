import assert from "node:assert/strict";
import { test } from "node:test";
import { useTape } from "flowtape/test/node";
import { nextOrder } from "../src/client.mjs";

useTape();

test("numbers orders", async () => {
	const first = await nextOrder();
	assert.equal(await nextOrder(), first + 1);
});
