import { tapeFixture } from "flowtape/test/vitest";
import { test as base, expect } from "vitest";
import { nextOrder } from "../src/client.mjs";

const test = base.extend(tapeFixture({ tape: "per-test" }));

test("numbers orders", async ({ tape }) => {
	const first = await nextOrder();
	expect(await nextOrder()).toBe(first + 1);
	expect(tape.requests).toHaveLength(2);
});
