// Preloaded by the Node processes of a child command to move their clock: shifts the current time of `Date` by
// FLOWTAPE_CLOCK_OFFSET seconds, also in the `vm` contexts of test runners. Timers and certificate checks keep the real
// time. CommonJS, in syntax that old versions of Node understand.
import type { CreateContextOptions, RunningScriptInNewContextOptions, Script } from "node:vm";

const vm: typeof import("node:vm") = require("node:vm");
const builtin: typeof import("node:module") = require("node:module");

const offset = Number(process.env.FLOWTAPE_CLOCK_OFFSET || 0) * 1000;
/** The real time when the command was started. */
const startedMs = Number(process.env.FLOWTAPE_CLOCK_STARTED || 0) * 1000;
const isMoved = Math.abs(Date.now() - startedMs - offset) < Math.abs(Date.now() - startedMs);

// libfaketime may have moved the clock of the whole process already.
if (offset && !isMoved) {
	moveDate(offset);
	moveContexts();
}

/**
 * Replaces Date in the current global object. Its source also runs in other contexts, so it must not refer to anything
 * in this file.
 */
function moveDate(offsetMs: number): void {
	const RealDate = Date;
	const now = (): number => RealDate.now() + offsetMs;
	const ShiftedDate = function (this: unknown, ...args: unknown[]): unknown {
		if (!new.target) return new RealDate(now()).toString();
		return Reflect.construct(
			RealDate,
			args.length === 0 ? [now()] : args,
			new.target === ShiftedDate ? RealDate : new.target,
		);
	};
	Object.defineProperties(ShiftedDate, {
		...Object.getOwnPropertyDescriptors(RealDate),
		now: { value: now, writable: true, configurable: true, enumerable: false },
	});
	Object.defineProperty(RealDate.prototype, "constructor", {
		value: ShiftedDate,
		writable: true,
		configurable: true,
		enumerable: false,
	});
	Object.defineProperty(globalThis, "Date", {
		value: ShiftedDate,
		writable: true,
		configurable: true,
		enumerable: false,
	});
}

/** Replaces Date in new `vm` contexts, unless the program put its own Date there. */
function moveContexts(): void {
	const { createContext, runInContext } = vm;
	const script = new vm.Script(`(${moveDate})(${offset})`);
	const moved: typeof createContext = (target, options) => {
		const isObject = typeof target === "object" && target !== null;
		const isOld = isObject && (vm.isContext(target) || Object.hasOwn(target, "Date"));
		const context = createContext(target, options);
		if (!isOld) script.runInContext(context);
		return context;
	};
	const contextOptions = (options?: RunningScriptInNewContextOptions | string): CreateContextOptions => {
		if (typeof options !== "object") return {};
		const { contextName: name, contextOrigin: origin, contextCodeGeneration: codeGeneration, microtaskMode } = options;
		return { name, origin, codeGeneration, microtaskMode };
	};
	vm.createContext = moved;
	vm.runInNewContext = (code, target, options) => runInContext(code, moved(target, contextOptions(options)), options);
	vm.Script.prototype.runInNewContext = function (this: Script, target, options) {
		return this.runInContext(moved(target, contextOptions(options)), options);
	};
	builtin.syncBuiltinESMExports();
}
