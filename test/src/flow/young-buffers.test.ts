import t from "tap";
import { collectLargeBuffers, collectTransientBuffers } from "../../../src/flow/young-buffers.ts";
import { tuneProcess } from "../../../src/process-tuning.ts";

tuneProcess();

const MIB = 1024 * 1024;

t.test("buffers in transit do not pile up", async (t) => {
	const before = process.memoryUsage().arrayBuffers;
	let peak = 0;
	for (let passed = 0; passed < 256 * MIB; passed += MIB) {
		Buffer.alloc(MIB);
		collectTransientBuffers(MIB);
		// as in a proxy, where every piece comes in a turn of its own
		await new Promise(setImmediate);
		peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
	}
	// V8 alone would let it become 32 MiB
	t.ok(peak < 20 * MIB, `${(peak / MIB).toFixed(0)} MiB`);
});

t.test("large buffers that have become old", async (t) => {
	let large: Buffer | null = Buffer.alloc(8 * MIB);
	const ref = new WeakRef(large);
	for (let i = 0; i < 4; i++) {
		collectTransientBuffers(64 * MIB);
		await new Promise(setImmediate);
	}
	t.equal(large.length, 8 * MIB);
	large = null;
	await new Promise(setImmediate);
	collectLargeBuffers();
	t.equal(ref.deref(), undefined);
});

t.test("gc is not exposed to other code", async (t) => {
	collectTransientBuffers(64 * MIB);
	t.notOk("gc" in globalThis);
	const { runInNewContext } = await import("node:vm");
	t.equal(runInNewContext("typeof gc"), "undefined");
});
