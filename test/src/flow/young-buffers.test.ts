// The memory of transient and of large buffers is freed in time.
import t from "tap";
import { collectLargeBuffers, collectTransientBuffers } from "../../../src/flow/young-buffers.ts";
import { tuneProcess } from "../../../src/process-tuning.ts";

tuneProcess();

const MIB = 1024 * 1024;

t.test("transient buffers do not pile up", async (t) => {
	const before = process.memoryUsage().arrayBuffers;
	let peak = 0;
	for (let passed = 0; passed < 256 * MIB; passed += MIB) {
		Buffer.alloc(MIB);
		collectTransientBuffers(MIB);
		// as in a proxy, which receives each piece in its own turn of the event loop
		await new Promise(setImmediate);
		peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
	}
	// with V8 alone it would be 32 MiB
	t.ok(peak < 20 * MIB, `${(peak / MIB).toFixed(0)} MiB`);
});

t.test("large buffers that are old are collected too", async (t) => {
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
