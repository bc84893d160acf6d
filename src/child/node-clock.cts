// Loaded first by Node processes of a command that is to see another time: moves what `Date` takes for now by FLOWTAPE_CLOCK_OFFSET
// seconds, in the contexts that test runners make with `vm` too. Only Date is moved: timers, and the dates of certificates, go by the real
// time. CommonJS, in words that old Nodes understand.
import type { CreateContextOptions, RunningScriptInNewContextOptions, Script } from "node:vm";

const vm: typeof import("node:vm") = require("node:vm");
const builtin: typeof import("node:module") = require("node:module");

const offset = Number(process.env.FLOWTAPE_CLOCK_OFFSET || 0) * 1000;
/** The real time when the command was started. */
const startedMs = Number(process.env.FLOWTAPE_CLOCK_STARTED || 0) * 1000;
const isMoved = Math.abs(Date.now() - startedMs - offset) < Math.abs(Date.now() - startedMs);

// libfaketime may have moved the whole process already
if (offset && !isMoved) {
	moveDate(offset);
	moveContexts();
}

/** Moves the Date of the global object that it runs in. Its source goes into other contexts: it names nothing of this file. */
function moveDate(offsetMs: number): void {
	const RealDate = Date;
	const now = (): number => RealDate.now() + offsetMs;
	const ShiftedDate = function (this: unknown, ...args: unknown[]): unknown {
		if (!new.target) return new RealDate(now()).toString();
		return Reflect.construct(RealDate, args.length === 0 ? [now()] : args, new.target === ShiftedDate ? RealDate : new.target);
	};
	Object.defineProperties(ShiftedDate, {
		...Object.getOwnPropertyDescriptors(RealDate),
		now: { value: now, writable: true, configurable: true, enumerable: false },
	});
	Object.defineProperty(RealDate.prototype, "constructor", { value: ShiftedDate, writable: true, configurable: true, enumerable: false });
	Object.defineProperty(globalThis, "Date", { value: ShiftedDate, writable: true, configurable: true, enumerable: false });
}

/** A context has a Date of its own; one that the program put there itself stays. */
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
